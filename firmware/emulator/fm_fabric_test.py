#!/usr/bin/env python3
"""fm-fabric as a program: fm_fabric_test.py FM_FABRIC"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM = ""
TIMEOUT = 60


class Running:
    """fm-fabric with a lifeline and a descriptor for ready."""

    def __init__(self, *options: str) -> None:
        self.name = f"fathom-test-{os.getpid()}-{id(self)}"
        lifeline, self.lifeline = os.pipe()
        self.ready, ready = os.pipe()
        self.process = subprocess.Popen(
            [PROGRAM, "--listen", self.name, "--lifeline", str(lifeline), "--ready-fd", str(ready), "--report",
             *options], pass_fds=(lifeline, ready), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.close(lifeline)
        os.close(ready)

    def wait_until_ready(self) -> bytes:
        readable, _, _ = select.select([self.ready], [], [], TIMEOUT)
        return os.read(self.ready, 10) if readable else b""

    def end(self) -> tuple[int, str, str]:
        if self.lifeline >= 0:
            os.close(self.lifeline)
            self.lifeline = -1
        out, err = self.process.communicate(timeout=TIMEOUT)
        os.close(self.ready)
        return self.process.returncode, out, err


def run(*options: str) -> tuple[int, str, str]:
    done = subprocess.run([PROGRAM, *options], capture_output=True, text=True, timeout=TIMEOUT)
    return done.returncode, done.stdout, done.stderr


class Program(unittest.TestCase):
    def test_ready_then_the_end_of_the_lifeline_then_the_report(self) -> None:
        for mode in ([], ["--machine", "ppro200"], ["--map", "--boards", "3"]):
            with self.subTest(mode=mode):
                fabric = Running(*mode)
                self.assertEqual(fabric.wait_until_ready(), b"ready\n")
                self.assertIsNone(fabric.process.poll(), "it runs until the lifeline ends")
                status, out, err = fabric.end()
                self.assertEqual((status, err), (0, ""))
                report = json.loads(out)
                self.assertEqual(report["mode"], "ppro200" if "--machine" in mode else "fast")
                self.assertEqual(report["network"]["lost"], 0)

    def test_signals_end_it_in_good_order(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            fabric = Running()
            self.assertEqual(fabric.wait_until_ready(), b"ready\n")
            fabric.process.send_signal(number)
            fabric.process.wait(TIMEOUT)
            status, out, _ = fabric.end()
            self.assertEqual(status, 0)
            json.loads(out)

    def test_two_of_one_name(self) -> None:
        fabric = Running()
        fabric.wait_until_ready()
        status, _, err = run("--listen", fabric.name)
        self.assertEqual(status, 1)
        self.assertIn("another fm-fabric has that name", err)
        fabric.end()

    def test_what_is_wrong_with_the_arguments(self) -> None:
        for options, words in (
                ([], "--listen NAME is needed"),
                (["--listen", "x", "--frobnicate"], "no option '--frobnicate'"),
                (["--listen"], "--listen needs a value"),
                (["--listen", "x", "--boards", "0"], "'0' is not a number from 1 to 256"),
                (["--listen", "x", "--boards=1000"], "'1000' is not a number"),
                (["--listen", "x", "--boards", "4x"], "'4x' is not a number"),
                (["--listen", "x", "--map=1"], "--map takes no value"),
                (["--listen", "x", "--lifeline", "77"], "not an open descriptor"),
                (["--listen", "x", "--machine", "cray"], "there is no machine 'cray'; there are ppro200")):
            with self.subTest(options=options):
                status, out, err = run(*options)
                self.assertEqual((status, out), (2, ""))
                self.assertIn(words, err)
                self.assertIn("--help", err)

    def test_what_is_wrong_with_the_fabric(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "fabric"
            file.write_text("switch one 4\nboard 0\nlink 0 two\n")
            status, _, err = run("--listen", "x", "--fabric", str(file))
            self.assertEqual(status, 1)
            self.assertIn(f"{file}:3", err)
        status, _, err = run("--listen", "x", "--fabric", "/nowhere/fabric")
        self.assertEqual(status, 1)
        self.assertIn("/nowhere/fabric", err)
        status, _, err = run("--listen", "x", "--faults", "drop=2")
        self.assertEqual(status, 1)
        self.assertIn("drop=2", err)

    def test_help(self) -> None:
        status, out, err = run("--help")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("--listen NAME", out)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
