"""Reports of what the ranks of a job do that does not go on.

stuck_test.py MPIRUN STUCK_PROGRAM
"""

import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import launch_support
from launch_support import LaunchTest, descendants, wait_until

COUNTS = r"\d( to \d)? unexpected messages?, \d( to \d)? posted receives?"


def waiting(ranks, call):
    verb = "waits" if re.fullmatch(r"rank \d+", ranks) else "wait"
    return rf"mpirun: {ranks} {verb} in {call} since [\d.]+( to [\d.]+)? s \({COUNTS}\)"


BARRIER = r"MPI_Barrier\(comm=MPI_COMM_WORLD\)"


class StuckTest(LaunchTest):
    def report(self, what, options=("--timeout", 2), ranks=4):
        """The lines that come before the job's end."""
        done = self.mpirun(*options, "-n", ranks, launch_support.PMI_PROGRAM, what)
        self.assertEqual(done.status, 124, str(done))
        lines = done.err.splitlines()
        self.assertRegex(lines[-1], "mpirun: the job did not end within")
        return lines[:-1]

    def assert_lines(self, lines, *patterns):
        self.assertEqual(len(lines), len(patterns), lines)
        for line, pattern in zip(lines, patterns):
            self.assertRegex(line, "^" + pattern + "$")


class Reports(StuckTest):
    def test_a_deadlock_of_receives(self):
        self.assert_lines(self.report("deadlock", ranks=2), *[
            waiting(f"rank {r}", rf"MPI_Recv\(bytes=4, source={1 - r}, tag=7, comm=MPI_COMM_WORLD\)")
            for r in (0, 1)])

    def test_a_rank_that_computes(self):
        self.assert_lines(self.report("computes"), waiting("ranks 0,2-3", BARRIER),
                          "mpirun: rank 1 is not in MPI", "mpirun: rank 1 differs from the rest")

    def test_a_rank_in_another_collective(self):
        self.assert_lines(self.report("other"), waiting("ranks 0,2-3", BARRIER),
                          waiting("rank 1", r"MPI_Bcast\(comm=MPI_COMM_WORLD\)"),
                          "mpirun: rank 1 differs from the rest")

    def test_a_rank_that_tests(self):
        self.assert_lines(self.report("tests"), waiting("ranks 0,2-3", BARRIER),
                          "mpirun: rank 1 is asking MPI again and again, as with MPI_Test or MPI_Iprobe",
                          "mpirun: rank 1 differs from the rest")

    def test_unexpected_messages(self):
        lines = self.report("unexpected", ranks=2)
        self.assertRegex(lines[0], r"rank 0 waits in MPI_Recv\(bytes=4, source=MPI_ANY_SOURCE, tag=100, "
                                   r".*\(4 unexpected messages, 1 posted receive\)")
        self.assertRegex(lines[1], r"rank 1 waits in MPI_Send\(bytes=1048576, dest=0, tag=9, "
                                   r".*\(0 unexpected messages, 0 posted receives\)")

    def test_a_rank_that_never_starts(self):
        self.assert_lines(self.report("init"), "mpirun: ranks 0,2-3 are in MPI_Init",
                          "mpirun: rank 1 is not in MPI: MPI_Init was not called",
                          "mpirun: rank 1 differs from the rest")

    def test_by_itself(self):
        lines = self.report("computes", options=("--report-stuck", 1, "--timeout", 5))
        self.assertGreaterEqual(len(lines), 6, lines)  # once by itself, once at the end
        self.assert_lines(lines[-3:], waiting("ranks 0,2-3", BARRIER), "mpirun: rank 1 is not in MPI",
                          "mpirun: rank 1 differs from the rest")

    def test_on_sigquit_the_job_goes_on(self):
        process = self.start("-n", 4, launch_support.PMI_PROGRAM, "computes")
        self.assertTrue(wait_until(
            lambda: any(name.startswith("stuck") for _, name in descendants(process.pid)), 60))
        lines = []
        # It is asked until the ranks have waited for long.
        for _ in range(200):
            process.send_signal(signal.SIGQUIT)
            lines.append(process.stderr.readline().decode().rstrip("\n"))
            if "wait in" in lines[-1]:
                break
            time.sleep(0.1)
        self.assertRegex(lines[-1], waiting("ranks 0,2-3", BARRIER))
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        self.finish(process)


class Hosts(StuckTest):
    def test_on_two_hosts(self):
        os.environ["FATHOM_RSH"] = self.write("rsh", '#!/bin/sh\nexec sh -c "$2"\n', 0o755)
        lines = self.report("computes", options=("--timeout", 4, "-host", "a:2,b:2"))
        self.assert_lines(lines, waiting("ranks 0,2-3", BARRIER), "mpirun: rank 1 is not in MPI",
                          "mpirun: rank 1 differs from the rest")


if __name__ == "__main__":
    launch_support.main()
