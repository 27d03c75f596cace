"""What users meet in containers and when memory goes bad.

    robust_test.py MPIRUN PROGRAM RESTRICT
"""

import os
import re
import shutil
import subprocess
import sys
import unittest

MPIRUN, PROGRAM, RESTRICT = sys.argv[1:4]


def run(*args, timeout=240, prefix=()):
    return subprocess.run([*prefix, MPIRUN, *args], capture_output=True, text=True,
                          timeout=timeout, check=False)


def has_seccomp():
    return subprocess.run([RESTRICT, "membarrier", "true"], check=False,
                          capture_output=True).returncode == 0


def can_mount():
    return os.geteuid() == 0 and shutil.which("unshare") and subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/dev/shm"], check=False,
        capture_output=True).returncode == 0


class Containers(unittest.TestCase):
    def expect_exchange(self, result):
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout, "exchanged\n")
        self.assertEqual(result.stderr, "")

    @unittest.skipUnless(has_seccomp(), "no seccomp filters here")
    def test_without_system_calls(self):
        for calls in ("process_vm_readv", "memfd_create", "membarrier",
                      "process_vm_readv,memfd_create,membarrier"):
            for ranks in ("2", "5"):
                with self.subTest(calls=calls, ranks=ranks):
                    self.expect_exchange(run("-n", ranks, RESTRICT, calls, PROGRAM, "exchange"))

    def small_shm(self, size):
        mount = f'mount -t tmpfs -o size={size} none /dev/shm && exec "$@"'
        return ("unshare", "-m", "sh", "-c", mount, "sh")

    @unittest.skipUnless(can_mount(), "needs root and mount namespaces")
    def test_small_dev_shm(self):
        self.expect_exchange(run("-n", "4", PROGRAM, "exchange", prefix=self.small_shm("64k")))

    @unittest.skipUnless(can_mount() and has_seccomp(), "needs root, mount namespaces, seccomp")
    def test_small_dev_shm_and_no_memfd(self):
        result = run("-n", "4", RESTRICT, "memfd_create", PROGRAM, "exchange",
                     prefix=self.small_shm("4k"))
        self.expect_exchange(result)  # falls back to an unnamed file in /tmp

    @unittest.skipUnless(can_mount() and has_seccomp(), "needs root, mount namespaces, seccomp")
    def test_64_mb_dev_shm_and_no_memfd(self):
        result = run("-n", "8", RESTRICT, "memfd_create,process_vm_readv", PROGRAM, "exchange",
                     prefix=self.small_shm("64m"))
        self.expect_exchange(result)

    def test_limit_of_file_sizes(self):
        result = run("-n", "2", PROGRAM, "exchange", prefix=("sh", "-c", 'ulimit -f 100; exec "$@"', "sh"))
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"Fathom: MPI_Init failed on host .*ulimit -f")

    def test_singleton(self):
        result = subprocess.run([PROGRAM, "exchange"], capture_output=True, text=True, timeout=240,
                                check=False)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "exchanged\n", ""))


class Garbage(unittest.TestCase):
    def test_garbage_in_shared_memory_ends_the_job_with_a_message(self):
        reported = 0
        for _ in range(10):
            result = run("--timeout", "120", "-n", "3", PROGRAM, "scribble")
            self.assertIn("scribbling", result.stdout)
            self.assertNotIn("signal", result.stderr, "a rank crashed")
            self.assertNotEqual(result.returncode, 124, "a hang: " + result.stderr)
            if result.returncode != 0:
                self.assertRegex(result.stderr, r"Fathom: rank \d on host \S+: lost rank \d: ")
                reported += 1
        self.assertGreater(reported, 0)


class Waiting(unittest.TestCase):
    def test_a_blocked_rank_uses_under_one_percent(self):
        result = run("-n", "2", PROGRAM, "idle")
        self.assertEqual(result.returncode, 0, result.stderr)
        cpu = float(re.fullmatch(r"cpu seconds ([\d.]+)\n", result.stdout).group(1))
        self.assertLess(cpu, 0.03)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
