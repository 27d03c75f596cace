"""Fathom's programs under other launchers on this machine: hydra (PMI-1) and Open MPI's mpirun (PMIx).

launchers_test.py MPIRUN PMI_PROGRAM HELLO RING CONFORMANCE_PT2PT
"""

import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import launch_support
from launch_support import Finished, LaunchTest

HELLO, RING, CONFORMANCE = map(os.path.abspath, sys.argv[3:6])
del sys.argv[3:6]

# A remote shell that stays here: options, a host, a command. Each host has its own temporary files.
SHELL = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
TMPDIR=$TMPDIR/$1
export TMPDIR
mkdir -p "$TMPDIR"
shift
exec sh -c "$*"
"""


class Launched:
    """`launcher` is the launcher's command; what is common to all of them is tried here."""

    launcher = []
    two_hosts = []  # options for four ranks on two hosts
    local_on_two = []

    def setUp(self):
        super().setUp()
        if shutil.which(self.launcher[0]) is None:
            self.skipTest(f"{self.launcher[0]} is not installed")
        self.shell = self.write("shell", SHELL, 0o755)

    def run_under(self, *words, env=None):
        words = [str(word).replace("SHELL", self.shell) for word in self.launcher + list(words)]
        begin = time.monotonic()
        done = subprocess.run(words, capture_output=True, text=True, timeout=launch_support.LIMIT_S * 2,
                              stdin=subprocess.DEVNULL,
                              env={**os.environ, "TMPDIR": self.directory.name, **(env or {})})
        return Finished(done.returncode, done.stdout, done.stderr, time.monotonic() - begin)

    def check_exchange(self, local, *words):
        """All values reach all ranks; `local` has the ranks on each rank's host."""
        done = self.run_under(*words, launch_support.PMI_PROGRAM, "exchange")
        self.assertEqual(done.status, 0, str(done))
        told = sorted((line.split()[1], line.split()[3], line.split()[-1])
                      for line in done.out.splitlines())
        self.assertEqual(told, [(str(rank), str(len(local)), mates)
                                for rank, mates in enumerate(local)], str(done))

    def check_programs(self, *words):
        done = self.run_under(*words, HELLO)
        self.assertEqual(done.status, 0, str(done))
        self.assertNotIn("fathom", done.err)
        self.assertEqual(sorted(line.split()[3:6] for line in done.out.splitlines()
                                if line.startswith("hello")),
                         [[str(rank), "of", "4"] for rank in range(4)], str(done))
        done = self.run_under(*words, RING)
        self.assertEqual(done.status, 0, str(done))
        self.assertIn("token 18, expected 18", done.out)

    def test_exchange(self):
        self.check_exchange(["0,1,2,3"] * 4, "-n", 4)

    def test_exchange_on_two_hosts(self):
        self.check_exchange(self.local_on_two, *self.two_hosts)

    def test_programs(self):
        self.check_programs("-n", 4)

    def test_programs_on_two_hosts(self):
        self.check_programs(*self.two_hosts)

    def test_conformance_on_two_hosts(self):
        done = self.run_under(*self.two_hosts, CONFORMANCE, *launch_support.CHOSEN)
        self.assertEqual(done.status, 0, str(done))
        self.assertIn("[  PASSED  ]", done.out)

    def test_several_programs(self):
        program = [launch_support.PMI_PROGRAM, "exchange"]
        done = self.run_under("-n", 1, *program, ":", "-n", 2, *program)
        self.assertEqual(sorted(line.split()[5] for line in done.out.splitlines()), ["0", "1", "1"])

    def test_abort(self):
        # What the rank wrote may still be on its way when hydra ends the job, and is lost then.
        for _ in range(5):
            done = self.run_under("-n", 3, launch_support.PMI_PROGRAM, "abort", 1, 6)
            self.assertEqual(done.status, 6, str(done))
            if "this is the reason" in done.err:
                return
        self.fail("the reason was never passed on")

    def test_status_of_a_rank(self):
        done = self.run_under("-n", 3, launch_support.PMI_PROGRAM, "late", 2, 5)
        self.assertEqual(done.status, 5, str(done))

    def test_a_rank_that_leaves_without_finalize(self):
        # The others are in a fence. That the job ends is the launcher's doing, as is its status.
        self.run_under("-n", 3, launch_support.PMI_PROGRAM, "leave", 2)


class Hydra(Launched, LaunchTest):
    launcher = ["mpiexec.mpich"]
    two_hosts = ["-launcher", "ssh", "-launcher-exec", "SHELL", "-hosts", "a,b", "-n", 4]
    # One slot on each host: hydra begins again with the first.
    local_on_two = ["0,2", "1,3", "0,2", "1,3"]

    def test_exchange_by_port(self):
        self.check_exchange(["0,1,2,3"] * 4, "-pmi-port", "-n", 4)

    def test_unequal_hosts(self):
        self.check_exchange(["0,1", "0,1", "2", "3,4", "3,4"],
                            "-launcher", "ssh", "-launcher-exec", "SHELL", "-hosts", "a:2,b:1,c:2", "-n", 5)


class OpenMpi(Launched, LaunchTest):
    launcher = ["mpirun.openmpi", "--allow-run-as-root", "--oversubscribe"]
    two_hosts = ["--mca", "plm_rsh_agent", "SHELL", "-host", "a:2,b:2", "-n", 4]
    local_on_two = ["0,1", "0,1", "2,3", "2,3"]

    def test_without_the_library(self):
        self.write("libpmix.so.2", "")
        done = self.run_under("-n", 2, "-x", f"LD_LIBRARY_PATH={self.directory.name}", HELLO)
        self.assertEqual(done.status, 0, str(done))
        warnings = [line for line in done.err.splitlines() if line.startswith("fathom: warning")]
        self.assertEqual(len(warnings), 2, str(done))
        for warning in warnings:
            self.assertRegex(warning, "Open MPI's mpirun as one of 2 .*libpmix.so.2.*libpmix2.*rank 0 of 1")


class Alone(LaunchTest):
    """Without a launcher, or with what one has left in the environment."""

    def alone(self, **variables):
        done = subprocess.run([launch_support.PMI_PROGRAM, "exchange"], capture_output=True, text=True,
                              env={**os.environ, **variables}, timeout=launch_support.LIMIT_S)
        return Finished(done.returncode, done.stdout, done.stderr, 0)

    def test_singleton(self):
        done = self.alone()
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertTrue(done.out.startswith("rank 0 of 1"))

    def test_a_launcher_that_offers_nothing(self):
        done = self.alone(OMPI_COMM_WORLD_RANK="1", OMPI_COMM_WORLD_SIZE="2")
        self.assertEqual(done.status, 0)
        self.assertEqual(len(done.err.splitlines()), 1)
        self.assertRegex(done.err, "Open MPI.*one of 2")

    def test_a_descriptor_that_is_closed(self):
        done = self.alone(PMI_FD="77", PMI_RANK="0", PMI_SIZE="2")
        self.assertNotEqual(done.status, 0)
        self.assertIn("PMI_FD=77", done.err)

    def test_a_pmix_server_that_is_gone(self):
        done = self.alone(PMIX_NAMESPACE="gone", PMIX_RANK="0",
                          PMIX_SERVER_URI2="gone.0;tcp4://127.0.0.1:9")
        if "without PMIx's headers" in done.err or "libpmix.so.2" in done.err:
            self.skipTest("PMIx cannot be spoken here")
        self.assertNotEqual(done.status, 0, str(done))
        self.assertIn("unset PMIX_NAMESPACE to run alone", done.err)


if __name__ == "__main__":
    launch_support.main()
