"""The summary of test results: what is counted, and the exit status."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SUMMARY = Path(__file__).with_name("summary.py")

REPORT = """<testsuites><testsuite name="S">
<testcase name="Good" classname="S" status="run" result="completed"/>
<testcase name="Bad" classname="S" status="run" result="completed"><failure message="no"/></testcase>
<testcase name="Left" classname="S" status="run" result="skipped"><skipped message="why"/></testcase>
<testcase name="Off" classname="S" status="notrun" result="suppressed"/>
</testsuite></testsuites>"""
GOOD_REPORT = REPORT.replace('<failure message="no"/>', "")


class Summary(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.build = Path(self.directory.name) / "build"
        (self.build / "meson-logs").mkdir(parents=True)

    def log(self, *entries: tuple[str, str]) -> None:
        with (self.build / "meson-logs" / "testlog.json").open("w", encoding="utf-8") as log:
            for name, result in entries:
                log.write(json.dumps({"name": f"fathom:unit / {name}", "result": result,
                                      "returncode": 0, "stdout": "told\n" * 100}) + "\n")

    def summary(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run([sys.executable, "-B", SUMMARY, *arguments], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def expect(self, status: int, last_line: str, *arguments: str) -> str:
        got, output = self.summary(*(arguments or [str(self.build)]))
        self.assertEqual(output.splitlines()[-1], last_line, output)
        self.assertEqual(got, status, output)
        return output

    def test_programs_count_as_one(self):
        self.log(("a", "OK"), ("b", "OK"), ("c", "SKIP"))
        self.expect(0, "2 passed, 0 failed, 1 skipped")

    def test_every_way_to_fail_counts(self):
        self.log(*((result, result) for result in ("FAIL", "ERROR", "TIMEOUT", "UNEXPECTEDPASS",
                                                   "INTERRUPT")))
        output = self.expect(1, "0 passed, 5 failed, 0 skipped")
        self.assertIn("unit / TIMEOUT: TIMEOUT", output)
        self.assertIn("| told", output)

    def test_googletest_counts_single_tests(self):
        (self.build / "g.xml").write_text(REPORT, encoding="utf-8")
        self.log(("g", "FAIL"))
        self.assertIn("failed: S.Bad", self.expect(1, "1 passed, 1 failed, 2 skipped"))

    def test_a_program_that_fails_without_a_failed_test_counts(self):
        (self.build / "g.xml").write_text(GOOD_REPORT, encoding="utf-8")
        self.log(("g", "FAIL"))
        self.expect(1, "2 passed, 1 failed, 2 skipped")
        self.log(("g", "OK"))
        self.expect(0, "2 passed, 0 failed, 2 skipped")

    def test_a_broken_report_is_no_report(self):
        (self.build / "g.xml").write_text(REPORT[:90], encoding="utf-8")
        self.log(("g", "FAIL"))
        self.expect(1, "0 passed, 1 failed, 0 skipped")

    def test_nothing_ran_is_a_failure(self):
        self.expect(1, "0 passed, 0 failed, 0 skipped")
        self.log(("a", "SKIP"))
        self.expect(1, "0 passed, 0 failed, 1 skipped")

    def test_a_build_that_failed_counts(self):
        self.log(("a", "OK"))
        self.expect(1, "1 passed, 1 failed, 0 skipped", str(self.build), "--failed", "build-asan")
        # Builds may stand on both sides of the one that failed.
        self.expect(1, "2 passed, 1 failed, 0 skipped", str(self.build), "--failed", "build-asan",
                    str(self.build))


if __name__ == "__main__":
    unittest.main()
