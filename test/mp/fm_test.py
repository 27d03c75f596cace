"""mpirun --device fm: the emulated Myrinet of a job, from start to end.

usage: fm_test.py MPIRUN FM_PROGRAM [unittest arguments]
"""

import json
import os
import signal
import unittest

import launch_support as support
from launch_support import LaunchTest, descendants, wait_until

FAULTS = "drop=1e-2,corrupt=1e-2,duplicate=1e-2,reorder=1e-2,seed=11"


class FmTest(LaunchTest):
    def fm(self, *words, program=None, ranks=2, **options):
        what = [support.PMI_PROGRAM, program] if program else []
        return self.mpirun("--device", "fm", *words, "-n", ranks, *what, **options)

    def start_waiting(self, ranks=2):
        """A job whose ranks wait for ever, and the pid of its emulator."""
        process = self.start("--device", "fm", "-n", ranks, support.PMI_PROGRAM, "wait")
        self.assertEqual(process.stdout.readline(), b"up\n")
        emulators = [pid for pid, name in descendants(process.pid) if name == "fm-fabric"]
        self.assertEqual(len(emulators), 1)
        return process, emulators[0]


class Messages(FmTest):
    def test_arrive(self):
        for ranks in (1, 2, 5):
            self.assert_runs(self.fm(program="exchange", ranks=ranks), ["0 wrong bytes"])

    def test_arrive_between_ranks_of_one_board(self):
        self.assert_runs(self.fm("--fm-boards", 1, program="exchange", ranks=3), ["0 wrong bytes"])

    def test_arrive_on_routes_that_the_boards_found(self):
        self.assert_runs(self.fm("--fm-map", program="exchange", ranks=3), ["0 wrong bytes"])

    def test_arrive_over_several_switches(self):
        fabric = self.write("fabric", "switch a 8\nswitch b 8\nboard 0\nboard 1\nboard 2\n"
                            "link 0 a\nlink a b\nlink 1 b\nlink 2 b\n")
        self.assert_runs(self.fm("--fabric", fabric, program="exchange", ranks=3),
                         ["0 wrong bytes"])

    def test_arrive_whatever_the_network_does(self):
        done = self.fm("--fm-faults", FAULTS, "--fm-report", program="exchange", ranks=3)
        lines = done.out.splitlines()
        self.assertEqual((done.status, lines[0]), (0, "0 wrong bytes"), str(done))
        report = json.loads("\n".join(lines[1:]))
        for fault in ("dropped", "corrupted", "duplicated", "reordered"):
            self.assertGreater(report["faults"][fault], 0, fault)

    def test_other_devices_need_no_emulator(self):
        done = self.mpirun("--device", "shm", "-v", "-n", 2, support.PMI_PROGRAM, "exchange")
        self.assertEqual((done.status, done.out), (0, "0 wrong bytes\n"), str(done))

    def test_the_variable_names_devices_too(self):
        done = self.mpirun("-n", 2, "sh", "-c", "echo $FATHOM_DEVICE ${FATHOM_FM_BOARD%%:*}",
                           env={"FATHOM_DEVICE": "self,fm"})
        self.assert_runs(done, ["self,fm emulator"] * 2)

    def test_a_job_within_a_job_has_its_own_board(self):
        inner = f"{support.MPIRUN} --device fm -n 2 {support.PMI_PROGRAM} exchange"
        self.assert_runs(self.mpirun("--device", "fm", "-n", 2, "sh", "-c", inner),
                         ["0 wrong bytes"] * 2)


class Hosts(FmTest):
    """Each "host" is a proxy of its own, started by a remote shell of the test's."""

    def setUp(self):
        super().setUp()
        self.shell = {"FATHOM_RSH": self.write("rsh", '#!/bin/sh\nexec sh -c "$2"\n', 0o755)}

    def test_have_a_switch_each(self):
        for hosts in ("a,b", "a:2,b:1,c:2"):
            ranks = hosts.count(",") + 1 + hosts.count(":2")
            done = self.fm("-host", hosts, program="exchange", ranks=ranks, env=self.shell)
            self.assert_runs(done, ["0 wrong bytes"])

    def test_that_cannot_be_modelled(self):
        done = self.fm("-host", "a,b", "--fm-machine", "ppro200", program="clock", env=self.shell)
        self.assert_fails(done, 1, "modelled time is that of one emulator")

    def test_lose_an_emulator(self):
        process = self.start("--device", "fm", "-host", "a,b", "-n", 2, support.PMI_PROGRAM, "wait",
                             env={**os.environ, **self.shell})
        self.assertEqual(process.stdout.readline(), b"up\n")
        os.kill(next(pid for pid, name in descendants(process.pid) if name == "fm-fabric"),
                signal.SIGKILL)
        self.assert_fails(self.finish(process), 1, "host [ab]: the Myrinet emulator .*ended before")


class Time(FmTest):
    def test_modelled_time_is_what_mpi_wtime_tells(self):
        done = self.fm("--fm-machine", "ppro200", program="clock")
        self.assertEqual((done.status, done.err), (0, ""), str(done))
        # Below what the model's wire and buses take it cannot be, and it is not the emulator's time.
        self.assertTrue(2 < float(done.out) < 40, done.out)

    def test_a_trace_can_be_written(self):
        trace = self.path("trace.json")
        self.assertEqual(self.fm("--fm-trace", trace, program="clock").status, 0)
        with open(trace) as file:
            self.assertTrue(json.load(file))


class Mistakes(FmTest):
    def assert_not_started(self, done, *patterns):
        self.assert_fails(done, 1, "did not start")
        for pattern in patterns:
            self.assertRegex(done.err, pattern)
        self.assertEqual(done.out, "")

    def test_are_explained(self):
        self.assert_not_started(self.fm("--fabric", "/no/such", program="clock"), "/no/such")
        self.assert_not_started(self.fm("--fm-machine", "abacus", program="clock"),
                                "abacus.*ppro200")
        self.assert_not_started(self.fm("--fm-boards", "0", program="clock"), "--boards.*'0'")
        self.assert_not_started(self.fm("--fm-faults", "gremlins=1", program="clock"), "gremlins")
        fabric = self.write("fabric", "switch a 8\nlink a:1 nowhere\n")
        self.assert_not_started(self.fm("--fabric", fabric, program="clock"), "2.*nowhere")

    def test_a_rank_without_a_board_says_so(self):
        done = self.mpirun("-genv", "FATHOM_FM_BOARD", "smoke:signals", "-n", 2,
                           support.PMI_PROGRAM, "exchange")
        self.assertNotEqual(done.status, 0)
        self.assertRegex(done.err, "smoke:signals is not of the form emulator:NAME")


class Ends(FmTest):
    def test_a_killed_mpirun_leaves_no_emulator(self):
        process, emulator = self.start_waiting()
        process.kill()
        process.wait()
        self.assertTrue(wait_until(lambda: not support.descendants(os.getpid()), support.END_S))
        process.stdout.close()
        process.stderr.close()
        self.assertFalse(os.path.exists(f"/proc/{emulator}/exe"))

    def test_a_killed_emulator_ends_the_job(self):
        process, emulator = self.start_waiting()
        os.kill(emulator, signal.SIGKILL)
        self.assert_fails(self.finish(process), 1, f"emulator .pid {emulator}.*ended before")

    def test_a_killed_rank_ends_the_job(self):
        process, _ = self.start_waiting(3)
        ranks = [pid for pid, name in descendants(process.pid)
                 if name == os.path.basename(support.PMI_PROGRAM)[:15]]
        self.assertEqual(len(ranks), 3)
        os.kill(ranks[1], signal.SIGKILL)
        self.assertEqual(self.finish(process).status, 137)

    def test_an_interrupt_ends_it(self):
        process, _ = self.start_waiting()
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.finish(process).status, 130)


if __name__ == "__main__":
    support.main()
