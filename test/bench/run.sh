#!/bin/sh
# Compares Fathom with other MPIs on this machine: same sources, alternating runs, medians, ratios.
#   sh test/bench/run.sh --vs mpich,openmpi [--only latency,coll] [--quick] [--json F] [--svg F]
# See test/bench/README.md, or --help.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

missing=
command -v python3 >/dev/null 2>&1 || missing="$missing python3"
command -v g++ >/dev/null 2>&1 || missing="$missing g++"
if [ -n "$missing" ]; then
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
        # shellcheck disable=SC2086  # a list of packages
        DEBIAN_FRONTEND=noninteractive apt-get install -y $missing >&2
    else
        echo "run.sh: not installed:$missing (try: sudo apt-get install$missing)" >&2
        exit 1
    fi
fi
exec python3 -B "$here/bench.py" "$@"
