"""mpirun's standard streams: whole lines, tags, files, standard input.

usage: launch_io_test.py MPIRUN PMI_PROGRAM [unittest arguments]
"""

import collections
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import unittest

import launch_support as support
from launch_support import LIMIT_S, LaunchTest

# Writes LINES lines of different lengths, in pieces that split them anywhere.
WRITER = """
import os, sys
rank, lines = os.environ["PMI_RANK"], int(sys.argv[1])
text = "".join(f"{rank}:{i}:" + rank * (i * 37 % 900) + ":end\\n" for i in range(lines)).encode()
at = 0
while at < len(text):
    at += os.write(int(sys.argv[2]), text[at:at + 1 + at * 7 % 997])
"""


class Lines(LaunchTest):
    def check_whole_lines(self, text, ranks, lines):
        seen = collections.Counter()
        for line in text.splitlines():
            rank, number, fill, end = line.split(":")
            self.assertEqual((fill, end), (rank * (int(number) * 37 % 900), "end"))
            self.assertEqual(int(number), seen[rank], "a rank's lines keep their order")
            seen[rank] += 1
        self.assertEqual(seen, {str(rank): lines for rank in range(ranks)})

    def test_arrive_whole(self):
        done = self.mpirun("-n", 4, sys.executable, "-c", WRITER, 600, 1)
        self.assert_runs(done)
        self.check_whole_lines(done.out, 4, 600)

    def test_arrive_whole_on_stderr(self):
        done = self.mpirun("-n", 2, sys.executable, "-c", WRITER, 300, 2)
        self.assertEqual((done.status, done.out), (0, ""))
        self.check_whole_lines(done.err, 2, 300)

    def test_arrive_whole_when_both_streams_are_one(self):
        script = f"python3 -c \"$0\" 100 1 & python3 -c \"$0\" 100 2; wait"
        process = self.start("-n", 1, "sh", "-c", script, WRITER, stderr=subprocess.STDOUT)
        done = self.finish(process)
        self.assertEqual(done.status, 0)
        for line in done.out.splitlines():
            self.assertRegex(line, r"^0:\d+:0*:end$")
        self.assertEqual(len(done.out.splitlines()), 200)

    def test_a_slow_line_is_not_cut(self):
        done = self.mpirun("-n", 4, "sh", "-c", "printf a; sleep 0.1; printf b; sleep 0.1; echo c")
        self.assert_runs(done, ["abc"] * 4)

    def test_a_last_line_without_line_feed(self):
        self.assertEqual(self.mpirun("-n", 1, "printf", "x").out, "x")
        self.assertEqual(self.mpirun("-n", 3, "printf", "x").out, "x\nx\nx")
        done = self.mpirun("-n", 2, "-l", "printf", "x")
        self.assertEqual(sorted(done.out.split("\n")), ["[0] x", "[1] x"])

    def test_very_long_lines(self):
        script = "head -c 3000000 /dev/zero | tr '\\0' $PMI_RANK; echo"
        done = self.mpirun("-n", 3, "sh", "-c", script)
        self.assert_runs(done, [str(rank) * 3000000 for rank in range(3)])

    def test_a_line_without_end_is_passed_on_in_pieces(self):
        done = self.mpirun("-n", 1, "sh", "-c", "head -c 40000000 /dev/zero | tr '\\0' x; echo")
        self.assertEqual((done.status, done.out), (0, "x" * 40000000 + "\n"))

    def test_bytes_are_not_changed(self):
        data = bytes(range(256)) * 400
        file = self.write("data", data)
        process = self.start("-n", 1, "cat", file)
        self.assertEqual(process.communicate()[0], data)

    def test_tags_and_time(self):
        script = "echo out; echo; echo err >&2"
        done = self.mpirun("-l", "-n", 2, "sh", "-c", script)
        self.assertEqual(sorted(done.out.split("\n")), ["", "[0] ", "[0] out", "[1] ", "[1] out"])
        self.assertEqual(sorted(done.err.splitlines()), ["[0] err", "[1] err"])
        done = self.mpirun("--tag-output", "--timestamp-output", "-n", 1, "echo", "x")
        self.assertRegex(done.out, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3} \[0\] x\n$")

    def test_the_message_of_a_failure_comes_after_its_cause(self):
        process = self.start("-n", 1, "sh", "-c", "echo cause >&2; exit 3",
                             stderr=subprocess.STDOUT)
        lines = self.finish(process).out.splitlines()
        self.assertEqual(lines[0], "cause")
        self.assertIn("status 3", lines[1])

    def test_a_slow_reader_gets_everything(self):
        process = self.start("-n", 2, "sh", "-c", "yes 0123456789 | head -n 400000")
        time.sleep(0.5)
        out = process.communicate(timeout=LIMIT_S)[0]
        self.assertEqual(process.returncode, 0)
        self.assertEqual(out, b"0123456789\n" * 800000)

    def test_a_reader_that_leaves_ends_the_job_in_silence(self):
        process = self.start("-n", 2, "yes")
        self.assertEqual(process.stdout.read(4), b"y\ny\n")
        process.stdout.close()
        self.assertEqual(process.wait(timeout=LIMIT_S), 128 + signal.SIGPIPE)
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()

    def test_closed_standard_streams(self):
        for number, closing in enumerate(("<&-", ">&-", "2>&-", "<&- >&- 2>&-")):
            flag = self.path(f"flag{number}")
            script = f"exec {support.MPIRUN} -n 2 sh -c 'cat; echo x >> {flag}' {closing}"
            done = subprocess.run(["sh", "-c", script], stdin=subprocess.DEVNULL)
            self.assertEqual(done.returncode, 0)
            with open(flag) as file:
                self.assertEqual(file.read(), "x\nx\n")


class Files(LaunchTest):
    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def test_output_filename(self):
        for suffix, copied in (("", 2), (":nocopy", 0)):
            done = self.mpirun("--output-filename", self.path("logs") + suffix, "-n", 2,
                               "sh", "-c", "echo out $PMI_RANK; echo err >&2")
            self.assertEqual(len(done.out.splitlines()), copied)
            for rank in (0, 1):
                self.assertEqual(self.read(f"logs/1/rank.{rank}/stdout"), f"out {rank}\n")
                self.assertEqual(self.read(f"logs/1/rank.{rank}/stderr"), "err\n")

    def test_patterns(self):
        script = "echo out $PMI_RANK; echo err >&2"
        done = self.mpirun("-outfile-pattern", self.path("o-%r%%"), "-errfile-pattern",
                           self.path("e"), "-n", 2, "sh", "-c", script)
        self.assert_runs(done, [])
        for rank in (0, 1):
            self.assertEqual(self.read(f"o-{rank}%"), f"out {rank}\n")
        self.assertEqual(self.read("e"), "err\nerr\n")


class Input(LaunchTest):
    SCRIPT = "cat | sed \"s/^/$PMI_RANK /\""

    def test_goes_to_rank_0(self):
        done = self.mpirun("-n", 3, "sh", "-c", self.SCRIPT, data="a\nb\n")
        self.assert_runs(done, ["0 a", "0 b"])

    def test_goes_where_it_is_sent(self):
        for target, expected in (("2", ["2 a"]), ("all", ["0 a", "1 a", "2 a"]), ("none", [])):
            done = self.mpirun("--stdin", target, "-n", 3, "sh", "-c", self.SCRIPT, data="a\n")
            self.assert_runs(done, expected)

    def test_large_input(self):
        data = os.urandom(3_000_000)
        file = self.write("data", data)
        for target in ("0", "all"):
            words = ["--stdin", target, "-n", 3, "sh", "-c", "sleep 0.1; cksum"]
            with open(file, "rb") as stream:
                done = self.finish(self.start(*words, stdin=stream))
            expected = subprocess.run(["cksum"], input=data, capture_output=True).stdout.decode()
            ranks = 3 if target == "all" else 1
            self.assertEqual(done.status, 0)
            self.assertEqual(done.out.count(expected), ranks)
            self.assertEqual(self.mpirun(*words, data=data).out.count(expected), ranks)

    def test_nobody_has_to_read(self):
        process = self.start("-n", 2, "true", stdin=subprocess.PIPE, bufsize=0)
        with self.assertRaises(BrokenPipeError):
            for _ in range(100):
                process.stdin.write(b"x" * 100000)
        process.stdin.close()
        self.assertEqual(process.wait(timeout=LIMIT_S), 0)
        process.stdout.close()
        process.stderr.close()

    def test_an_open_input_does_not_keep_the_job(self):
        process = self.start("-n", 2, "true", stdin=subprocess.PIPE)
        self.assertEqual(process.wait(timeout=LIMIT_S), 0)
        process.communicate()

    def test_a_prompt_at_a_terminal(self):
        pid, terminal = pty.fork()
        if pid == 0:
            script = "printf 'name? '; read name; echo hello $name"
            os.execv(support.MPIRUN, ["mpirun", "-n", "2", "sh", "-c",
                                      f"[ $PMI_RANK = 1 ] && exit 0; {script}"])
        seen = b""

        def read_until(text):
            nonlocal seen
            while text not in seen:
                self.assertTrue(select.select([terminal], [], [], LIMIT_S)[0], seen)
                seen += os.read(terminal, 1000)

        read_until(b"name? ")
        os.write(terminal, b"you\n")
        read_until(b"hello you")
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        os.close(terminal)

    def test_ctrl_c_at_a_terminal(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(support.MPIRUN, ["mpirun", "-n", "2", "sh", "-c", "echo ready; sleep 1000"])
        seen = b""
        while seen.count(b"ready") < 2:
            self.assertTrue(select.select([terminal], [], [], LIMIT_S)[0], seen)
            seen += os.read(terminal, 1000)
        os.write(terminal, b"\x03")
        status = os.waitpid(pid, 0)[1]
        self.assertEqual(os.waitstatus_to_exitcode(status), 128 + signal.SIGINT)
        os.close(terminal)


if __name__ == "__main__":
    support.main()
