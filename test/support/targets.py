"""Prints what has to be built for some suites, as paths for Ninja, relative to the build directory.

    targets.py BUILD_DIR SUITE...
"""

import json
import subprocess
import sys
from pathlib import Path


def introspect(build: Path, what: str) -> list[dict]:
    done = subprocess.run(["meson", "introspect", str(build), f"--{what}"], capture_output=True,
                          text=True, check=True)
    return json.loads(done.stdout)


def targets(build: Path, suites: set[str]) -> list[str]:
    wanted = {target for test in introspect(build, "tests")
              if any(suite.split(":")[-1] in suites for suite in test["suite"])
              for target in test["depends"]}
    files = {Path(name).resolve() for target in introspect(build, "targets")
             if target["id"] in wanted for name in target["filename"]}
    return sorted(str(name.relative_to(build.resolve())) for name in files)


if __name__ == "__main__":
    print("\n".join(targets(Path(sys.argv[1]), set(sys.argv[2:]))))
