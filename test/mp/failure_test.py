"""A rank dies, and the others have errors returned: they get one, and no hang.

failure_test.py MPIRUN FAILURE_PROGRAM
"""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import launch_support
from launch_support import LaunchTest

CALLS = ("recv", "recv-any", "recv-long", "send-long", "ssend", "sends", "probe", "iprobe", "waitall",
         "test", "barrier", "bcast", "bcast-long", "allreduce", "allreduce-long", "iallreduce",
         "alltoall", "dup")
# What is tried on every device; all of CALLS where FATHOM_TEST_ALL is set.
FEW = ("recv", "recv-any", "send-long", "bcast-long", "allreduce")
ALL = "FATHOM_TEST_ALL" in os.environ
KILLED = 128 + signal.SIGKILL


class FailureTest(LaunchTest):
    def run_program(self, ranks, *words, options=()):
        return self.mpirun("--enable-recovery", "--timeout", 60, *options, "-n", ranks,
                           launch_support.PMI_PROGRAM, *words)

    def expect(self, ranks, call, options=(), first="lost"):
        with self.subTest(call=call, ranks=ranks, options=options):
            done = self.run_program(ranks, call, options=options)
            lines = sorted(done.out.splitlines())
            self.assertEqual(lines, [f"rank {r}: {first}, then lost, barrier lost, others success"
                                     for r in range(ranks) if r != 1], str(done))
            self.assert_fails(done, KILLED, r"rank 1 .*signal 9 .*the job goes on without it")

    def expect_all(self, ranks, options=(), calls=FEW):
        for call in CALLS if ALL else calls:
            self.expect(ranks, call, options)
        self.expect(ranks, "go-on", options, first="success")


class OnOneHost(FailureTest):
    def test_two_ranks(self):
        self.expect_all(2)

    def test_four_ranks(self):
        self.expect_all(4, calls=CALLS)

    def test_tcp(self):
        self.expect_all(3, ("--device", "tcp"))

    def test_words_of_hydra(self):
        done = self.mpirun("-disable-auto-cleanup", "-n", 2, launch_support.PMI_PROGRAM, "recv")
        self.assertIn("rank 0: lost, then lost", done.out)
        self.assertEqual(done.status, KILLED)

    def test_errors_are_fatal_by_default(self):
        done = self.run_program(2, "recv", "fatal")
        self.assertEqual((done.status, done.out), (KILLED, ""), str(done))
        self.assertRegex(done.err, r"mpirun: rank 1 .*signal 9")
        self.assertRegex(done.err, r"Fathom: rank 0 on host \S+: lost rank 1: ")

    def test_without_recovery_the_job_ends(self):
        done = self.mpirun("-n", 3, launch_support.PMI_PROGRAM, "recv")
        self.assertEqual(done.out, "", str(done))
        self.assert_fails(done, KILLED, r"rank 1 .*signal 9 .*the job is ended")

    def test_a_rank_that_exits(self):
        script = '[ $PMI_RANK = 1 ] && exit 3; sleep 0.2; echo $PMI_RANK'
        done = self.mpirun("--enable-recovery", "-n", 3, "sh", "-c", script)
        self.assertEqual(sorted(done.out.split()), ["0", "2"], str(done))
        self.assert_fails(done, 3, "rank 1 .* exited with status 3; the job goes on without it")


class OnTwoHosts(FailureTest):
    def test_two_and_two_ranks(self):
        os.environ["FATHOM_RSH"] = self.write("rsh", '#!/bin/sh\nexec sh -c "$2"\n', 0o755)
        self.expect_all(4, ("-host", "a:2,b:2"))


if __name__ == "__main__":
    launch_support.main()
