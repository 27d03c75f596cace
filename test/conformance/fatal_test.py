"""Errors that end the job: what is printed, by whom, and the exit status.

usage: fatal_test.py MPIRUN FATAL_PROGRAM [unittest arguments]
"""

import socket
import subprocess
import sys
import time
import unittest

MPIRUN = ""
PROGRAM = ""
# A dead rank ends the job within 2 s; the rest is for a busy machine.
END_OF_JOB_S = 45


class FatalErrors(unittest.TestCase):
    def run_job(self, mistake: str, ranks: int) -> subprocess.CompletedProcess:
        start = time.monotonic()
        done = subprocess.run([MPIRUN, "--timeout", "60", "-n", str(ranks), PROGRAM, mistake],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240,
                              check=False)
        self.assertLess(time.monotonic() - start, END_OF_JOB_S, done.stderr)
        return done

    def expect_fatal(self, mistake: str, *words: str) -> None:
        """The last rank alone reports, in one line with `words`, host and rank; the job fails."""
        for ranks in (1, 3):
            with self.subTest(mistake=mistake, ranks=ranks):
                done = self.run_job(mistake, ranks)
                everything = done.stdout + done.stderr
                self.assertNotEqual(done.returncode, 0, everything)
                self.assertNotIn("went unnoticed", everything)
                self.assertNotIn("the end", everything)
                lines = [line for line in done.stderr.splitlines() if "Fathom:" in line]
                self.assertEqual(len(lines), 1, everything)
                for word in (*words, socket.gethostname(), f"rank {ranks - 1}"):
                    self.assertIn(word, lines[0])

    def test_rank(self):
        self.expect_fatal("rank", "MPI_Send", "dest=4711", "MPI_COMM_WORLD", "MPI_ERR_RANK")

    def test_tag(self):
        self.expect_fatal("tag", "MPI_Send", "tag=-4711", "MPI_COMM_WORLD", "MPI_ERR_TAG")

    def test_count(self):
        self.expect_fatal("count", "MPI_Send", "count=-4711", "MPI_COMM_WORLD", "MPI_ERR_COUNT")

    def test_type(self):
        self.expect_fatal("type", "MPI_Send", "MPI_DATATYPE_NULL", "MPI_ERR_TYPE")

    def test_uncommitted_type(self):
        self.expect_fatal("uncommitted", "MPI_Send", "datatype", "commit", "MPI_ERR_TYPE")

    def test_root(self):
        self.expect_fatal("root", "MPI_Bcast", "root=4711", "MPI_COMM_WORLD", "MPI_ERR_ROOT")

    def test_operation(self):
        self.expect_fatal("op", "MPI_Allreduce", "MPI_BAND", "MPI_DOUBLE", "MPI_ERR_OP")

    def test_null_communicator(self):
        self.expect_fatal("null-comm", "MPI_Barrier", "MPI_COMM_NULL", "MPI_ERR_COMM")

    def test_freed_communicator(self):
        self.expect_fatal("freed-comm", "MPI_Barrier", "comm=0x", "MPI_ERR_COMM")

    def test_null_group(self):
        self.expect_fatal("group", "MPI_Group_size", "MPI_GROUP_NULL", "MPI_ERR_GROUP")

    def test_truncation(self):
        self.expect_fatal("truncate-recv", "MPI_Recv", "MPI_COMM_WORLD", "MPI_ERR_TRUNCATE", "40", "16")

    def test_truncation_found_by_wait(self):
        self.expect_fatal("truncate-wait", "MPI_Wait", "communicator", "MPI_ERR_TRUNCATE", "40", "16")

    def test_a_split_communicator_inherits_the_handler(self):
        self.expect_fatal("split", "MPI_Send", "dest=44", "MPI_ERR_RANK")

    def test_returned_errors_are_not_printed(self):
        self.expect_fatal("fatal-again", "MPI_Send", "dest=4712", "MPI_ERR_RANK")

    def test_init_twice(self):
        self.expect_fatal("init-twice", "MPI_Init")

    def test_calls_outside_of_mpi(self):
        for mistake, call, when in (("before-init", "MPI_Comm_rank", "before MPI_Init"),
                                    ("after-finalize", "MPI_Comm_rank", "after MPI_Finalize"),
                                    ("finalize-twice", "MPI_Finalize", "after MPI_Finalize")):
            with self.subTest(mistake=mistake):
                done = self.run_job(mistake, 2)
                self.assertNotEqual(done.returncode, 0)
                self.assertRegex(done.stderr, f"{call} .*{when}")

    def test_the_same_without_mpirun(self):
        done = subprocess.run([PROGRAM, "rank"], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=240, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("dest=4711", done.stderr)
        done = subprocess.run([PROGRAM, "before-init"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=240, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("before MPI_Init", done.stderr)

    def test_abort_gives_its_code(self):
        for ranks in (1, 3):
            with self.subTest(ranks=ranks):
                self.assertEqual(self.run_job("abort", ranks).returncode, 42)
                self.assertEqual(self.run_job("abort-self", ranks).returncode, 43)

    def test_some_calls_are_always_allowed(self):
        for mistake in ("always", "none"):
            done = self.run_job(mistake, 2)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout.split("\n"), ["the end", "the end", ""])


if __name__ == "__main__":
    MPIRUN, PROGRAM = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
