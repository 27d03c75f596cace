"""Reports of what the ranks of a job do that does not go on.

stuck_test.py MPIRUN STUCK_PROGRAM
"""

import os
import re
import select
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import launch_support
from launch_support import LIMIT_S, LaunchTest, descendants, wait_until

COUNTS = r"\d( to \d)? unexpected messages?, \d( to \d)? posted receives?"


def waiting(ranks, call):
    verb = "waits" if re.fullmatch(r"rank \d+", ranks) else "wait"
    return rf"mpirun: {ranks} {verb} in {call} since [\d.]+( to [\d.]+)? s \({COUNTS}\)"


BARRIER = r"MPI_Barrier\(comm=MPI_COMM_WORLD\)"


class StuckTest(LaunchTest):
    def report(self, what, options, ranks):
        """The lines that come before the job's end."""
        done = self.mpirun(*options, "-n", ranks, launch_support.PMI_PROGRAM, what)
        self.assertEqual(done.status, 124, str(done))
        lines = done.err.splitlines()
        self.assertRegex(lines[-1], "mpirun: the job did not end within")
        return lines[:-1]

    def assert_reports(self, what, *patterns, options=(), ranks=4, first=2):
        """The lines are these; at the end, where mpirun reports by itself, too. Ranks that have not come so far in so
        many seconds get more."""
        for limit in (first, 15, 90):
            lines = self.report(what, ("--timeout", limit, *options), ranks)
            whole = len(lines) >= 2 * len(patterns) if "--report-stuck" in options else len(lines) == len(patterns)
            if whole and all(map(re.fullmatch, patterns, lines[-len(patterns):])):
                return
        self.fail(lines)


class Reports(StuckTest):
    def test_a_deadlock_of_receives(self):
        self.assert_reports("deadlock", *[
            waiting(f"rank {r}", rf"MPI_Recv\(bytes=4, source={1 - r}, tag=7, comm=MPI_COMM_WORLD\)")
            for r in (0, 1)], ranks=2)

    def test_a_rank_that_computes(self):
        self.assert_reports("computes", waiting("ranks 0,2-3", BARRIER),
                            "mpirun: rank 1 is not in MPI", "mpirun: rank 1 differs from the rest")

    def test_a_rank_in_another_collective(self):
        self.assert_reports("other", waiting("ranks 0,2-3", BARRIER),
                            waiting("rank 1", r"MPI_Bcast\(comm=MPI_COMM_WORLD\)"),
                            "mpirun: rank 1 differs from the rest")

    def test_a_rank_that_tests(self):
        self.assert_reports("tests", waiting("ranks 0,2-3", BARRIER),
                            "mpirun: rank 1 is asking MPI again and again, as with MPI_Test or MPI_Iprobe",
                            "mpirun: rank 1 differs from the rest")

    def test_unexpected_messages(self):
        self.assert_reports(
            "unexpected",
            r"mpirun: rank 0 waits in MPI_Recv\(bytes=4, source=MPI_ANY_SOURCE, tag=100, .*\(4 unexpected messages, 1 posted receive\)",
            r"mpirun: rank 1 waits in MPI_Send\(bytes=1048576, dest=0, tag=9, .*\(0 unexpected messages, 0 posted receives\)", ranks=2)

    def test_a_rank_that_never_starts(self):
        self.assert_reports("init", "mpirun: ranks 0,2-3 are in MPI_Init",
                            "mpirun: rank 1 is not in MPI: MPI_Init was not called",
                            "mpirun: rank 1 differs from the rest")

    def test_by_itself(self):
        self.assert_reports("computes", waiting("ranks 0,2-3", BARRIER), "mpirun: rank 1 is not in MPI",
                            "mpirun: rank 1 differs from the rest", options=("--report-stuck", 1), first=5)

    def test_on_sigquit_the_job_goes_on(self):
        process = self.start("-n", 4, launch_support.PMI_PROGRAM, "computes", bufsize=0)
        self.assertTrue(wait_until(
            lambda: any(name.startswith("stuck") for _, name in descendants(process.pid)), LIMIT_S))
        told = b""

        def waits():
            """Asks once more, and looks at what was answered so far."""
            nonlocal told
            process.send_signal(signal.SIGQUIT)
            time.sleep(0.1)
            if select.select([process.stderr], [], [], 0)[0]:
                told += os.read(process.stderr.fileno(), 65536)
            return re.search("(?m)^" + waiting("ranks 0,2-3", BARRIER) + "$", told.decode())

        self.assertTrue(wait_until(waits, LIMIT_S), told)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        self.finish(process)


class Hosts(StuckTest):
    def test_on_two_hosts(self):
        os.environ["FATHOM_RSH"] = self.write("rsh", '#!/bin/sh\nexec sh -c "$2"\n', 0o755)
        self.assert_reports("computes", waiting("ranks 0,2-3", BARRIER), "mpirun: rank 1 is not in MPI",
                            "mpirun: rank 1 differs from the rest", options=("-host", "a:2,b:2"), first=4)


if __name__ == "__main__":
    launch_support.main()
