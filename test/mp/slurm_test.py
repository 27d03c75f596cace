"""Fathom's programs under Slurm's srun, by PMI-1 and by PMIx, and mpirun in an allocation, on a Slurm of two
nodes of the test's own.

slurm_test.py MPIRUN PMI_PROGRAM HELLO RING CONFORMANCE_PT2PT
"""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import launch_support
import slurm

MPIRUN, PMI_PROGRAM, HELLO, RING, CONFORMANCE = map(os.path.abspath, sys.argv[1:6])


def run(*words):
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=180,
                          stdin=subprocess.DEVNULL)


class Srun:
    """Tried with each of srun's ways to start an MPI program."""

    mpi = ""

    def srun(self, *words):
        return run("srun", "--quiet", f"--mpi={self.mpi}", *words)

    def check_exchange(self, local, *words):
        """All values reach all ranks; `local` has the ranks on each rank's node."""
        done = self.srun(*words, PMI_PROGRAM, "exchange")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        told = sorted((line.split()[1], line.split()[3], line.split()[-1])
                      for line in done.stdout.splitlines())
        self.assertEqual(told, [(str(rank), str(len(local)), mates) for rank, mates in enumerate(local)])

    def test_exchange(self):
        self.check_exchange(["0,1,2", "0,1,2", "0,1,2", "3"], "-N2", "-n4")
        self.check_exchange(["0,1", "0,1", "2,3", "2,3"], "-N2", "-n4", "--ntasks-per-node=2")
        self.check_exchange(["0,1"] * 2, "-N1", "-n2")
        self.check_exchange(["0"], "-n1")

    def test_cyclic_distribution(self):
        self.check_exchange(["0,2", "1,3", "0,2", "1,3"], "-N2", "-n4", "--ntasks-per-node=2", "-m", "cyclic")

    def test_programs(self):
        done = self.srun("-N2", "-n4", HELLO)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertEqual(sorted(line.split()[3:6] for line in done.stdout.splitlines()
                                if line.startswith("hello")),
                         [[str(rank), "of", "4"] for rank in range(4)])
        done = self.srun("-N2", "-n4", RING)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertIn("token 18, expected 18", done.stdout)

    def test_conformance(self):
        done = self.srun("-N2", "-n4", "--ntasks-per-node=2", CONFORMANCE, *launch_support.CHOSEN)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("[  PASSED  ]", done.stdout)

    def test_status_of_a_rank(self):
        self.assertEqual(self.srun("-N2", "-n4", PMI_PROGRAM, "late", 3, 7).returncode, 7)

    def test_a_second_program_in_a_task(self):
        done = self.srun("-n1", "sh", "-c", f"{PMI_PROGRAM} && {PMI_PROGRAM}")
        self.assertNotEqual(done.returncode, 0, done)
        self.assertIn("rank 0 of 1", done.stdout)
        self.assertRegex(done.stderr, "another MPI program ran before.*unset PMI.* to run alone")

    def test_abort_ends_all_nodes(self):
        done = self.srun("-N2", "-n4", PMI_PROGRAM, "abort", 2, 7)
        # By PMI-1 Slurm kills the step, and tells of that.
        self.assertIn(done.returncode, (7, 128 + 9, 128 + 15), done)
        self.assertIn("this is the reason", done.stderr)


class Pmi1(Srun, unittest.TestCase):
    mpi = "pmi2"


class Pmix(Srun, unittest.TestCase):
    mpi = "pmix"


class Neither(Srun, unittest.TestCase):
    mpi = "none"
    test_exchange = test_cyclic_distribution = test_conformance = None
    test_status_of_a_rank = test_a_second_program_in_a_task = test_abort_ends_all_nodes = None

    def test_programs(self):
        done = self.srun("-N2", "-n2", HELLO)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(done.stdout.count("rank 0 of 1"), 2, done)
        warnings = [line for line in done.stderr.splitlines() if line.startswith("fathom: warning")]
        self.assertEqual(len(warnings), 2, done)
        for warning in warnings:
            self.assertRegex(warning, "Slurm's srun as one of 2 .*--mpi=pmi2 or --mpi=pmix")

    def test_one_task_is_alone_without_a_word(self):
        done = self.srun("-n1", HELLO)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)


class Allocation(unittest.TestCase):
    """Fathom's own mpirun finds the nodes of its allocation, and starts its proxies there by srun."""

    nodes = ["--quiet", "-N2", "--ntasks-per-node=2"]

    def test_salloc(self):
        done = run("salloc", *self.nodes, MPIRUN, PMI_PROGRAM, "exchange")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertEqual(sorted(line.split()[-1] for line in done.stdout.splitlines()),
                         ["0,1", "0,1", "2,3", "2,3"])

    def test_sbatch(self):
        script = os.path.join(slurm.FOLDER, "job.sh")
        with open(script, "w") as file:
            file.write(f"#!/bin/sh\n{MPIRUN} {RING}\n{MPIRUN} -n 3 {PMI_PROGRAM} late 2 7\n")
        done = run("sbatch", *self.nodes, "--wait", "--output", script + ".out", script)
        with open(script + ".out") as file:
            said = file.read()
        self.assertIn("token 18, expected 18", said, done)
        self.assertEqual(done.returncode, 7, said)


def main():
    why = slurm.missing()
    if why:
        print("skipped:", why)
        return 77
    slurm.enter()
    for name in list(os.environ):
        if name.startswith(("PMI", "OMPI_", "SLURM_", "MPIEXEC_")):
            del os.environ[name]
    bed = slurm.Slurm()
    try:
        bed.start()
        result = unittest.main(argv=sys.argv[:1] + sys.argv[6:], exit=False).result
        if not result.wasSuccessful():
            print(bed.logs())
    finally:
        bed.stop()
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
