"""mpirun as process manager: what is started, how it ends, what is left.

usage: launch_test.py MPIRUN PMI_PROGRAM [unittest arguments]
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import unittest

import launch_support as support
from launch_support import END_S, LIMIT_S, LaunchTest, descendants, wait_until


class Programs(LaunchTest):
    def test_runs_any_program(self):
        done = self.mpirun("-n", 4, "hostname")
        self.assert_runs(done, [socket.gethostname()] * 4)

    def test_gives_ranks_their_numbers(self):
        done = self.mpirun("-n", 3, "sh", "-c", "echo $PMI_RANK of $PMI_SIZE")
        self.assert_runs(done, ["0 of 3", "1 of 3", "2 of 3"])

    def test_one_process_is_the_default(self):
        self.assert_runs(self.mpirun("echo", "x"), ["x"])

    def test_accepts_every_spelling_of_the_count(self):
        for words in (["-n", "2"], ["-np", "2"], ["--np", "2"], ["-c", "2"], ["--n=2"], ["-n2"]):
            self.assert_runs(self.mpirun(*words, "echo", "x"), ["x", "x"])

    def test_leaves_the_programs_own_options_alone(self):
        self.assert_runs(self.mpirun("-n", 1, "echo", "-n2", "--np", "-l"), ["-n2 --np -l"])

    def test_runs_several_programs(self):
        done = self.mpirun("-n", 1, "-env", "A", "1", "sh", "-c", "echo one $PMI_RANK $A",
                           ":", "-n", 2, "sh", "-c", "echo two $PMI_RANK ${A-none}")
        self.assert_runs(done, ["one 0 1", "two 1 none", "two 2 none"])

    def test_reads_a_configuration_file(self):
        file = self.write("jobs", "# two programs\n-n 1 echo 'a  b'\n\n-n 2 echo \"c\"\n")
        for option in ("-configfile", "--app"):
            self.assert_runs(self.mpirun(option, file), ["a  b", "c", "c"])

    def test_names_a_program_that_is_not_there(self):
        self.assert_fails(self.mpirun("-n", 2, "no-such-program"), 127, "no-such-program")
        self.assert_fails(self.mpirun("-n", 2, "./no/such"), 127, "./no/such.*No such file")
        self.write("here", "#!/bin/sh\n", 0o755)
        done = self.mpirun("here", cwd=self.directory.name)
        self.assert_fails(done, 127, r"did you mean \./here\?")

    def test_names_a_program_that_cannot_be_run(self):
        self.assert_fails(self.mpirun(self.directory.name), 126, "directory")
        self.assert_fails(self.mpirun(self.write("plain", "x\n")), 126, "plain.*not executable")
        script = self.write("script", "#!/no/such/interpreter -x\n", 0o755)
        self.assert_fails(self.mpirun(script), 126, "script.*/no/such/interpreter")
        garbage = self.write("garbage", b"\x7fELF\0\1\2\3garbage\0", 0o755)
        self.assert_fails(self.mpirun("-n", 3, garbage), 126, "garbage.*not a program")

    def test_starts_nothing_when_one_program_is_missing(self):
        flag = self.path("flag")
        done = self.mpirun("-n", 1, "touch", flag, ":", "-n", 1, "no-such-program")
        self.assert_fails(done, 127, "no-such-program")
        self.assertFalse(os.path.exists(flag))

    def test_runs_a_script_without_an_interpreter_line(self):
        self.assert_runs(self.mpirun("-n", 2, self.write("s", "echo $1\n", 0o755), "x"), ["x", "x"])

    def test_changes_the_working_directory(self):
        os.mkdir(self.path("sub"))
        self.write("sub/run", "#!/bin/sh\npwd\n", 0o755)
        for option in ("-wdir", "--wdir", "-wd"):
            done = self.mpirun("-n", 1, option, "sub", "./run", cwd=self.directory.name)
            self.assert_runs(done, [os.path.realpath(self.path("sub"))])
        self.assert_fails(self.mpirun("-wdir", "/no/such", "true"), 2, "/no/such")

    def test_sets_the_environment(self):
        show = ["sh", "-c", "echo $A,$B,$C"]
        env = {"A": "a", "B": "b", "C": "c"}
        for words, expected in (
                ([], "a,b,c"),
                (["-genv", "A", "1", "-env", "B", "2"], "1,2,c"),
                (["-genv", "A=1"], "1,b,c"),
                (["-x", "A=1", "-x", "B"], "1,b,c"),
                (["-genvnone", "-env", "C", "3"], ",,3"),
                (["-genvlist", "A,C"], "a,,c"),
                (["-genvlist", "A,C", "-envall"], "a,b,c"),
                (["-envlist", "B"], ",b,"),
                (["-envnone", "-genv", "A", "x y"], "x y,,")):
            self.assert_runs(self.mpirun(*words, "/bin/sh", *show[1:], env=env), [expected])

    def test_many_ranks_start_fast(self):
        done = self.mpirun("-n", 64, "true")
        self.assert_runs(done)
        self.assertLess(done.seconds, END_S)  # 0.1 s on two idle cores

    def test_a_job_inside_a_job(self):
        done = self.mpirun("-n", 2, support.MPIRUN, "-n", 2, support.PMI_PROGRAM, "exchange")
        self.assert_runs(done)
        self.assertEqual(len(re.findall("rank [01] of 2", done.out)), 4)


class CommandLine(LaunchTest):
    def test_help_and_version(self):
        for option in ("--help", "-h"):
            done = self.mpirun(option)
            self.assert_runs(done)
            self.assertIn("--timeout", done.out)
        for option in ("--version", "-V"):
            self.assertRegex(self.mpirun(option).out, r"^mpirun \(Fathom\) \d")

    def test_refuses_what_makes_no_sense(self):
        for words, pattern in (
                ([], "no program"),
                (["-n"], "argument"),
                (["-n", "0", "true"], "number"),
                (["-n", "x", "true"], "number"),
                (["-n", "4"], "no program"),
                (["--tagoutput", "true"], "unknown option --tagoutput.*-tag-output"),
                (["--wibblewobble", "true"], "unknown option"),
                (["--oversubscribe=2", "true"], "no argument"),
                (["--stdin", "3", "-n", "2", "true"], "rank 3"),
                (["--timeout", "soon", "true"], "seconds"),
                (["true", ":"], "without a program"),
                (["-configfile", "/no/such", "true"], "/no/such"),
                (["-hostfile", "/no/such", "true"], "/no/such"),
                (["--device", "shm,token-ring", "true"], "token-ring: there is no such device.*self,shm,fm"),
                (["--device", ",", "true"], "no device"),
                (["--device", "shm", "--fm-map", "true"], "--fm-map .*add --device fm"),
                (["--fabric", "x", "true"], "--fabric .*add --device fm"),
                (["--device", "fm", "-n", "257", "true"], "256 ranks"),
                (["--output-filename", "/dev/null/x", "true"], "/dev/null/x")):
            done = self.mpirun(*words)
            self.assert_fails(done, 1 if "--output-filename" in words else 2, pattern)

    def test_accepts_in_silence_what_it_does_anyway(self):
        hosts = self.write("hosts", f"# comment\nlocalhost slots=4\n{socket.gethostname()}:2\n")
        for words in (["--oversubscribe"], ["--use-hwthread-cpus"], ["--allow-run-as-root"],
                      ["--bind-to", "none"], ["--map-by", "core"], ["--rank-by", "slot"],
                      ["--host", "localhost,127.0.0.1"], ["-hostfile", hosts], ["-f", hosts],
                      ["-host", socket.gethostname()], ["-ppn", "2"], ["--device", "self,shm"]):
            self.assert_runs(self.mpirun(*words, "-n", 2, "echo", "x"), ["x", "x"])

    def test_warns_of_what_it_does_not_do(self):
        for words in (["--mca", "btl", "self,tcp"], ["--usize", "4"], ["--merge-stderr-to-stdout"],
                      ["-launcher", "pigeon"], ["-ppn", "1"]):
            done = self.mpirun(*words, "-n", 2, "echo", "x")
            self.assertEqual((done.status, done.out), (0, "x\nx\n"), str(done))
            option = words[0].replace("--", "-")
            self.assertRegex(done.err, rf"^mpirun: warning: {option}.*not honoured")

    def test_says_what_it_does(self):
        done = self.mpirun("-v", "-n", 2, "true")
        self.assertEqual(done.status, 0)
        for rank in (0, 1):
            self.assertRegex(done.err, rf"rank {rank} \(pid \d+\) on host \S+ started: \S+/true")
            self.assertRegex(done.err, rf"rank {rank} .* ended: exit status 0")


class Ends(LaunchTest):
    def test_exit_status_is_that_of_the_first_failure(self):
        script = "[ $PMI_RANK = 1 ] && exit 3; sleep 100; exit 4"
        done = self.mpirun("-n", 4, "sh", "-c", script)
        self.assert_fails(done, 3, r"rank 1 \(pid \d+\) on host \S+ exited with status 3")
        self.assertLess(done.seconds, END_S)

    def test_a_killed_rank_ends_the_job(self):
        # The others do not even listen to SIGTERM, and have children of their own.
        script = "[ $PMI_RANK = 2 ] && kill -9 $$; trap '' TERM; sleep 100 & sleep 100; sleep 100"
        done = self.mpirun("-n", 4, "sh", "-c", script)
        self.assert_fails(done, 137, rf"rank 2 \(pid \d+\) on host {socket.gethostname()}",
                          "signal 9", "SIGKILL")
        self.assertLess(done.seconds, END_S)

    def test_a_crash_names_its_signal(self):
        for name in ("SEGV", "ABRT", "FPE"):
            script = f"[ $PMI_RANK = 0 ] && kill -{name} $$; sleep 50"
            done = self.mpirun("-n", 2, "sh", "-c", script)
            self.assert_fails(done, 128 + getattr(signal, "SIG" + name), "SIG" + name)

    def test_an_abort_through_pmi(self):
        done = self.mpirun("-n", 3, support.PMI_PROGRAM, "abort", 1, 7)
        self.assert_fails(done, 7, r"rank 1 \(pid \d+\) on host \S+ aborted .* exit code 7")
        self.assertIn("this is the reason\n", done.err)
        self.assertLess(done.seconds, END_S)
        done = self.mpirun("-n", 1, support.PMI_PROGRAM, "abort", 0, 0)
        self.assert_fails(done, 1, "exit code 1")

    def test_leaving_without_finalize(self):
        done = self.mpirun("-n", 3, support.PMI_PROGRAM, "leave", 2)
        self.assert_fails(done, 1, "rank 2 .*status 0 after MPI_Init and without MPI_Finalize")
        self.assertLess(done.seconds, END_S)

    def test_a_status_after_finalize(self):
        done = self.mpirun("-n", 2, support.PMI_PROGRAM, "late", 1, 5)
        self.assert_fails(done, 5, "rank 1 .* exited with status 5")
        # The others go on to their end (the NAS benchmark DT ends so, with status 1 on all ranks).
        slow = '"$1" late 1 5; status=$?; [ $PMI_RANK = 0 ] && sleep 0.5 && echo done; exit $status'
        done = self.mpirun("-n", 2, "sh", "-c", slow, "sh", support.PMI_PROGRAM)
        self.assert_fails(done, 5, "rank 1 .* exited with status 5")
        self.assertEqual(done.out, "done\n")

    def test_waiting_for_a_rank_that_never_comes(self):
        done = self.mpirun("-n", 1, "true", ":", "-n", 2, support.PMI_PROGRAM, "exchange")
        self.assert_fails(done, 1, "rank [12] waits .* rank 0, which has already ended")
        self.assertLess(done.seconds, END_S)

    def test_a_time_limit(self):
        script = "[ $PMI_RANK = 3 ] && exit 0; trap '' TERM; sleep 100; sleep 100"
        # On a machine on which a second is too short for rank 3 it gets more.
        for limit in (1, 8, 60):
            done = self.mpirun("--timeout", limit, "-n", 6, "sh", "-c", script)
            if "0-2,4-5" in done.err:
                break
        self.assert_fails(done, 124, f"within {limit} s: ranks 0-2,4-5 were still running")
        self.assertLess(done.seconds, limit + END_S)
        done = self.mpirun("-n", 1, "sleep", 100, env={"MPIEXEC_TIMEOUT": "1"})
        self.assert_fails(done, 124, "rank 0 was still running")
        self.assert_runs(self.mpirun("--timeout", 30, "-n", 2, "true"))

    def test_strangers_do_not_outlive_the_job(self):
        # A session of its own, and a parent that is gone: out of reach of any process group.
        script = "setsid sh -c 'setsid sleep 1000 & sleep 1000' > /dev/null 2>&1 & sleep 0.2"
        self.assert_runs(self.mpirun("-n", 2, "sh", "-c", script))

    def test_children_that_mpirun_did_not_make_are_spared(self):
        # The shell's background job becomes mpirun's child by exec.
        flag = self.path("flag")
        script = f"(sleep 0.5; touch {flag}) & exec {support.MPIRUN} -n 2 true"
        self.assertEqual(subprocess.run(["sh", "-c", script]).returncode, 0)
        self.assertTrue(wait_until(lambda: os.path.exists(flag), LIMIT_S))


class Signals(LaunchTest):
    def started(self, script, ranks=2):
        """A job each of whose ranks prints a line when it is ready."""
        process = self.start("-n", ranks, "sh", "-c", script)
        for _ in range(ranks):
            self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def test_terminating_signals_reach_the_ranks(self):
        for name in ("INT", "TERM", "HUP"):
            number = getattr(signal, "SIG" + name)
            process = self.started("echo ready; while :; do sleep 0.05; done")
            process.send_signal(number)
            self.assert_fails(self.finish(process), 128 + number, "SIG" + name)

    def test_a_rank_may_end_in_order(self):
        process = self.started("trap 'echo saved; exit 0' TERM; echo ready; "
                               "exec 2> /dev/null; while :; do sleep 0.05; done")
        process.terminate()
        done = self.finish(process)
        self.assert_runs(done, ["saved", "saved"])

    def test_a_second_interrupt_kills(self):
        process = self.started("trap '' INT; echo ready; while :; do sleep 0.05; done")
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        self.assert_fails(self.finish(process), 130, "second SIGINT")

    def test_user_signals_are_passed_on(self):
        process = self.started("trap 'echo one' USR1; trap 'echo two; exit 0' USR2; echo ready; "
                               "exec 2> /dev/null; while :; do sleep 0.05; done")
        process.send_signal(signal.SIGUSR1)
        self.assertEqual([process.stdout.readline() for _ in range(2)], [b"one\n"] * 2)
        process.send_signal(signal.SIGUSR2)
        self.assert_runs(self.finish(process), ["two", "two"])

    def test_stop_and_continue(self):
        process = self.started("echo ready; while :; do sleep 0.05; done")

        def states():
            found = []
            for pid, name in descendants(process.pid) + [(process.pid, "mpirun")]:
                if name in ("sh", "mpirun"):
                    with open(f"/proc/{pid}/stat") as file:
                        found.append(file.read().rpartition(")")[2].split()[0])
            return found

        process.send_signal(signal.SIGTSTP)
        # mpirun and two shells, and a shell's child that was caught before its exec: then the shell
        # itself is in "D", waiting in vfork().
        def stopped():
            now = states()
            return len(now) >= 3 and "T" in now and set(now) <= {"T", "D"}

        self.assertTrue(wait_until(stopped, LIMIT_S), states())
        process.send_signal(signal.SIGCONT)
        self.assertTrue(wait_until(lambda: not {"T", "D"} & set(states()), LIMIT_S), states())
        process.terminate()
        self.finish(process)


class SuddenDeath(LaunchTest):
    # A rank that is a shell with a child, one more that left its session, and a plain one.
    SCRIPT = "setsid sleep 1000 & sh -c 'sleep 1000; true'; true"

    def check(self, victim_name, settle_s):
        process = self.start("-n", 3, "sh", "-c", self.SCRIPT, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        if settle_s is None:
            ready = lambda: sum(name == "sleep" for _, name in descendants(process.pid)) == 6
            self.assertTrue(wait_until(ready, LIMIT_S))
        else:
            time.sleep(settle_s)
        victims = [(process.pid, "mpirun")] + descendants(process.pid)
        for pid, name in victims:
            if name == victim_name:
                os.kill(pid, signal.SIGKILL)
                break
        else:
            if settle_s is None:
                self.fail(f"no {victim_name} in {victims}")
            process.kill()
        process.wait(timeout=LIMIT_S)
        self.tearDown()  # nothing is left

    def test_of_mpirun(self):
        self.check("mpirun", None)
        for settle_s in (0, 0.002, 0.005, 0.01, 0.03):
            self.check("mpirun", settle_s)

    def test_of_the_keeper(self):
        self.check("fathom-keeper", None)
        for settle_s in (0, 0.002, 0.005, 0.01, 0.03):
            self.check("fathom-keeper", settle_s)

    def test_of_a_rank(self):
        self.check("sh", None)

    def test_of_the_keeper_is_reported(self):
        process = self.start("-n", 2, "sleep", 1000)
        keeper = lambda: [p for p, name in descendants(process.pid) if name == "fathom-keeper"]
        self.assertTrue(wait_until(keeper, LIMIT_S))
        os.kill(keeper()[0], signal.SIGKILL)
        self.assert_fails(self.finish(process), 137, "was killed")

    def test_of_everything_called_mpirun(self):
        process = self.start("-n", 2, "sleep", 1000)
        ready = lambda: sum(name == "sleep" for _, name in descendants(process.pid)) == 2
        self.assertTrue(wait_until(ready, LIMIT_S))
        for pid, name in [(process.pid, "mpirun")] + descendants(process.pid):
            if name == "mpirun":
                os.kill(pid, signal.SIGKILL)
        process.communicate()


if __name__ == "__main__":
    support.main()
