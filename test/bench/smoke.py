"""smoke.py METRIC,METRIC... -- COMMAND...: runs a benchmark and checks what it printed.

Every metric named must be there and no other; every value must be a finite number above zero, or
zero where it is a share of time. No value is compared with anything: this is no timed test.
"""

import math
import subprocess
import sys

import runner

MAY_BE_ZERO = ("idle_cpu",)
# What the machine may refuse (process_vm_readv) or lack (a second core).
OPTIONAL = {"vm_readv", "line_handoff", "pipeline", "pipeline_rate", "tcp", "tcp_stream"}
FOLLOWERS = {"bimessage_rate"}


def main(arguments):
    wanted = set(arguments[0].split(","))
    command = arguments[arguments.index("--") + 1:]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    if done.returncode != 0:
        sys.exit(f"status {done.returncode}")
    seen = set()
    for labels, figures in runner.parse_metrics(done.stdout):
        value = figures["value"]
        seen.add(labels["name"])
        if not math.isfinite(value) or value < 0 or (
                value == 0 and labels["name"] not in MAY_BE_ZERO):
            sys.exit(f"not a measurement: {labels} {figures}")
    if wanted - seen - OPTIONAL:
        sys.exit(f"missing: {', '.join(sorted(wanted - seen - OPTIONAL))}")
    if seen - wanted - OPTIONAL - FOLLOWERS:
        sys.exit(f"unexpected: {', '.join(sorted(seen - wanted - OPTIONAL - FOLLOWERS))}")


if __name__ == "__main__":
    main(sys.argv[1:])
