"""smoke.py FM_BENCH: runs fm-bench coarsely and looks whether it measured everything. No figure is
compared with anything: this is no timed test."""

import json
import math
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree


def numbers(value):
    """All numbers in a JSON value; None where something was not measured."""
    if isinstance(value, dict):
        value = value.values()
    if isinstance(value, (list, tuple)) or not isinstance(value, (int, float, str, type(None))):
        for each in value:
            yield from numbers(each)
    elif not isinstance(value, str):
        yield value


def main(fm_bench):
    with tempfile.TemporaryDirectory() as folder:
        data, pictures = pathlib.Path(folder) / "out.json", pathlib.Path(folder) / "pictures"
        done = subprocess.run([fm_bench, "--paper", "fm2,bip,logp", "--quick", "--json", str(data),
                               "--svg", str(pictures)], capture_output=True, text=True, check=False)
        sys.stdout.write(done.stdout)
        sys.stderr.write(done.stderr)
        if done.returncode != 0:
            sys.exit(f"status {done.returncode}")
        report = json.loads(data.read_text(encoding="utf-8"))
        for name in ("fm-bandwidth.svg", "fm-latency.svg"):
            xml.etree.ElementTree.parse(pictures / name)
    for title, figures in report["figures"].items():
        for figure in figures:
            wanted = [figure["ours"]] + ([figure["model"]] if "LogP" not in title else [])
            if not all(value is not None and math.isfinite(value) and value > 0 for value in wanted):
                sys.exit(f"not measured: {figure}")
    if any(value is None for value in numbers(report["three"])) or len(report["budget"]) != 4 \
            or len(report["limits"]) != 4 or len(report["model_parts"]) != 4 or len(report["streams"]) != 7:
        sys.exit("bandwidths or budgets are missing")


if __name__ == "__main__":
    main(*sys.argv[1:])
