"""How many instructions a short message may take over shared memory, counted by valgrind.

budget_test.py MPIRUN PROGRAM

The counts are those of a release build by GCC; they do not depend on the machine's load or speed. A limit
stands a few percent above the count that it was set with: whoever needs more says why, and moves it.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

LIMITS = {"MPI_Send": 200, "MPI_Recv": 490}
FEW, MANY = 10, 60  # messages; what differs between the two is the messages alone


def instructions(call, messages):
    """Those that both ranks spend inside of `call`."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*MPIRUN, "-n", "2", "valgrind", "-q", "--tool=callgrind", f"--toggle-collect=P{call}",
                   f"--callgrind-out-file={folder}/rank.%p", PROGRAM, f"{folder}/turn", str(messages)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
        counts = [int(m[1]) for f in Path(folder).glob("rank.*")
                  if (m := re.search(r"^summary: (\d+)", f.read_text(), re.MULTILINE))]
        return sum(counts)


@unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
class Budget(unittest.TestCase):
    def test_a_message_of_8_bytes(self):
        for call, limit in LIMITS.items():
            with self.subTest(call=call):
                count = (instructions(call, MANY) - instructions(call, FEW)) / (MANY - FEW)
                print(f"{call}: {count:.1f} instructions, {limit} allowed")
                self.assertGreater(count, 50, "nothing was counted")
                self.assertLessEqual(count, limit)


if __name__ == "__main__":
    MPIRUN, PROGRAM = [sys.argv[1]], sys.argv[2]
    unittest.main(argv=sys.argv[:1])
