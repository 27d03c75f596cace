"""Compares Fathom with other MPIs on this machine; run.sh is the way to start it."""

import argparse
import json
import os
import pathlib
import platform
import signal
import sys
import tempfile
import time

import hosts
import mpis
import runner
import suite
import svg
import table

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def number_list(text):
    return [int(word) for word in text.split(",")]


def word_list(text):
    return [word for word in text.split(",") if word]


def parse(argv):
    parser = argparse.ArgumentParser(
        prog="run.sh", description="Benchmarks of Fathom against other MPIs on this machine.")
    parser.add_argument("--vs", type=word_list, default=[], metavar="MPICH,OPENMPI",
                        help="peers to compare with: " + ", ".join(mpis.PEERS))
    parser.add_argument("--only", type=word_list, default=list(suite.NAMES), metavar="A,B",
                        help="benchmarks to run: " + ", ".join(suite.NAMES))
    parser.add_argument("--ranks", type=number_list, metavar="2,4,8",
                        help="rank counts, for benchmarks that take any")
    parser.add_argument("--rounds", type=int, metavar="N", help="alternating rounds (3; quick: 1)")
    parser.add_argument("--quick", action="store_true", help="few sizes, short, one round")
    parser.add_argument("--stat", choices=["median", "min"], default="median",
                        help="over the repetitions and rounds; min is for a noisy machine")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write every figure")
    parser.add_argument("--svg", type=pathlib.Path, metavar="FILE",
                        help="draw latency and bandwidth curves")
    parser.add_argument("--class", dest="nas_class", metavar="A",
                        help="class of the NAS kernels (A; quick: S)")
    parser.add_argument("--hosts", type=int, default=1, metavar="N",
                        help="over tcp between N hosts made of namespaces (root); ranks are spread evenly")
    parser.add_argument("--without-fathom", action="store_true", help="compare the peers alone")
    parser.add_argument("--fathom", type=pathlib.Path, metavar="PREFIX",
                        help="use this build tree or installation instead of building build/")
    options = parser.parse_args(argv)
    for name in options.only:
        if name not in suite.NAMES:
            parser.error(f"no benchmark {name}; there are: {', '.join(suite.NAMES)}")
    for name in options.vs:
        if name not in mpis.PEERS:
            parser.error(f"no peer {name}; known: {', '.join(mpis.PEERS)}")
    if options.without_fathom and not options.vs:
        parser.error("--without-fathom leaves nothing to run; name peers with --vs")
    if options.hosts > 1 and hosts.missing():
        parser.error(hosts.missing())
    if options.hosts > 1:
        # What is about one host's memory is not measured between hosts.
        options.only = [name for name in options.only if name not in ("datatypes", "threads", "memory")]
        options.ranks = options.ranks or [2 * options.hosts]
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.nas_class = options.nas_class or ("S" if options.quick else "A")
    return options


def find_mpis(options):
    found = []
    if not options.without_fathom:
        prefix = options.fathom or mpis.build_fathom(ROOT)
        if prefix is None or not mpis.is_prefix(prefix):
            sys.exit(f"bench: no bin/mpicxx and bin/mpirun under {prefix or ROOT / 'build'}; "
                     "build Fathom first, or compare the peers with --without-fathom")
        found.append(mpis.fathom(prefix))
    for name in options.vs:
        peer = mpis.find_peer(name)
        if peer is None:
            print(f"bench: {mpis.how_to_install(name)}", file=sys.stderr)
        else:
            found.append(peer)
    if not found:
        sys.exit("bench: no MPI to measure")
    return found


def machine():
    model = platform.machine()
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return {"processor": model, "cpus": sorted(os.sched_getaffinity(0)),
            "kernel": platform.release(), "load": list(os.getloadavg())}


def main(argv):
    # So that a termination takes the same way out as any error: nothing is left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = parse(argv)
    implementations = find_mpis(options)
    cpus = runner.distinct_cores()
    started = time.strftime("%Y-%m-%d %H:%M:%S")
    with tempfile.TemporaryDirectory(prefix="fathom-bench-") as folder:
        run = runner.Runner(ROOT, pathlib.Path(folder), implementations, cpus, options)
        try:
            with hosts.bed(options.hosts, implementations) as bed:
                run.bed = bed
                results = run.everything()
        except KeyboardInterrupt:
            sys.exit(130)
    report = {
        "started": started, "machine": machine(), "stat": options.stat,
        "rounds": options.rounds, "hosts": options.hosts, "quick": options.quick, "cores": cpus,
        "mpis": [{"name": m.name, "title": m.title, "version": m.version,
                  "launcher": m.shown_launcher()} for m in implementations],
        "handoff_us": run.handoffs_us, "limits": results.limits_as_list(),
        "metrics": results.as_list(), "failures": results.failures,
    }
    print(table.render(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    if options.svg:
        options.svg.write_text(svg.curves(report))
    return 1 if any(f["mpi"] == "fathom" for f in results.failures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
