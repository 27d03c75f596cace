"""Counts single tests over the logs of several runs of `meson test`, and shows what failed.

    summary.py [--failed WHAT]... BUILD_DIR...

A test program that speaks GoogleTest's protocol counts as its single tests, from the XML that it left
in the build directory; any other as one. One that died, hung or failed without a failed single test
counts as one failure more. WHAT is a build that could not be made: one failure.
The last line is `N passed, N failed, N skipped`; the exit status is 0 only if something passed and
nothing failed.
"""

import argparse
import json
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

TAIL_LINES = 60
PASSED = {"OK", "EXPECTEDFAIL"}


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)  # names of failed single tests

    def add(self, other: "Counts") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def count_gtest(path: Path) -> Counts | None:
    """The single tests of a GoogleTest report; None if there is none that can be read."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return None
    counts = Counts()
    for case in root.iter("testcase"):
        if case.find("failure") is not None:
            counts.failed += 1
            counts.failures.append(f"{case.get('classname')}.{case.get('name')}")
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            counts.skipped += 1
        else:
            counts.passed += 1
    return counts


def count_test(entry: dict, build: Path) -> Counts:
    """One entry of Meson's log."""
    name = entry["name"].split(" / ")[-1]
    result = entry["result"]
    counts = count_gtest(build / f"{name}.xml")
    if counts is None:
        counts = Counts()
        if result in PASSED:
            counts.passed = 1
        elif result == "SKIP":
            counts.skipped = 1
    if result not in PASSED and result != "SKIP" and counts.failed == 0:
        counts.failed = 1
    return counts


def show_failure(entry: dict, counts: Counts) -> None:
    print(f"\n==== {entry['name']}: {entry['result']}, exit status {entry.get('returncode')}, "
          f"{entry.get('duration', 0):.1f} s")
    for name in counts.failures:
        print(f"  failed: {name}")
    output = (entry.get("stdout") or "") + (entry.get("stderr") or "")
    # The lines around a failure say more than those that only tell what passed.
    lines = [line for line in output.splitlines()
             if not line.startswith(("[       OK ]", "[ RUN      ]", "[----------]"))]
    if len(lines) > TAIL_LINES:
        print(f"  (the last {TAIL_LINES} of {len(lines)} lines)")
    for line in lines[-TAIL_LINES:]:
        print(f"  | {line}")


def count_build(build: Path) -> Counts:
    total = Counts()
    log = build / "meson-logs" / "testlog.json"
    entries = []
    if log.exists():
        with log.open(encoding="utf-8", errors="replace") as lines:
            entries = [json.loads(line) for line in lines if line.strip()]
    for entry in entries:
        counts = count_test(entry, build)
        total.add(counts)
        if counts.failed:
            show_failure(entry, counts)
    print(f"{build.name}: {total}, from {len(entries)} programs")
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--failed", action="append", default=[], metavar="WHAT")
    parser.add_argument("builds", nargs="*", type=Path, metavar="BUILD_DIR")
    arguments = parser.parse_intermixed_args()
    total = Counts()
    for build in arguments.builds:
        total.add(count_build(build))
    for what in arguments.failed:
        print(f"{what}: could not be built")
        total.failed += 1
    if total.passed == 0 and total.failed == 0:
        print("no test ran")
    print(total)
    return 0 if total.passed > 0 and total.failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
