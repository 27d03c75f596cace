"""Measures where the collectives' algorithms give way to each other: the limits of mpi/coll/select.hpp.

tune.py [BUILD] [--ranks 2,4,8] [--rounds 3] [--only bcast,scan]

For each limit that one host shows (but gather's) the collective runs with the algorithm below it alone and with that above it alone, by turns, at sizes
around it. The best limit is the one with which the faster algorithm is taken most often, weighed by how much faster it is,
over all rank counts. It prints the figures and the lines of the table. Run it on a quiet machine.
"""

import argparse
import collections
import dataclasses
import math
import os
import pathlib
import statistics
import subprocess
import sys

import runner

EVERYTHING = 1 << 40
BY_MESSAGES = {"FATHOM_COLL_SHARED": "0"}


@dataclasses.dataclass
class Limit:
    """`bytes` is what the limit is compared with for a block of so many bytes of bench_coll's and so many ranks."""
    metrics: tuple
    sizes: tuple
    choice: object  # for which numbers of ranks there is one
    bytes: object = lambda block, ranks: block
    others: dict = dataclasses.field(default_factory=dict)  # other limits that would be in the way
    environment: dict = dataclasses.field(default_factory=dict)


def powers(first, last):
    return tuple(1 << n for n in range(first.bit_length() - 1, last.bit_length()))


LIMITS = {
    # By messages.
    "bcast": Limit(("bcast",), powers(8192, 1 << 20), lambda p: p > 4, environment=BY_MESSAGES),
    "allgather": Limit(("allgather",), powers(64, 65536), lambda p: p > 2, lambda block, p: block * p,
                       {"allgather_block": 0}, BY_MESSAGES),
    "allgather_block": Limit(("allgather",), powers(64, 65536), lambda p: p > 2, others={"allgather": 0},
                             environment=BY_MESSAGES),
    "alltoall": Limit(("alltoall",), powers(8, 4096), lambda p: p >= 8, environment=BY_MESSAGES),
    "reduce": Limit(("reduce", "allreduce"), powers(1024, 1 << 20), lambda p: p > 3, environment=BY_MESSAGES),
    "reduce_scatter": Limit(("reduce_scatter",), powers(512, 1 << 18), lambda p: p > 2, lambda block, p: block * p,
                            {"reduce_scatter_step": EVERYTHING}, BY_MESSAGES),
    "scan": Limit(("scan",), powers(1024, 1 << 20), lambda p: True, lambda block, p: block // p, environment=BY_MESSAGES),
    # In shared memory, or else by messages.
    "pair_shared": Limit(("bcast", "reduce", "allreduce", "allgather"), powers(64, 16384), lambda p: p == 2),
    "bcast_shared": Limit(("bcast",), powers(16384, 1 << 24), lambda p: p > 2),
    "reduce_shared": Limit(("reduce", "allreduce"), powers(16384, 1 << 23), lambda p: p > 2),
    "allgather_shared": Limit(("allgather",), powers(4096, 1 << 20), lambda p: p > 2),
    "allreduce_by_last": Limit(("allreduce",), powers(2048, 1 << 18), lambda p: p > 2, others={"reduce_shared": EVERYTHING}),
    "reduce_by_root": Limit(("reduce",), powers(2048, 1 << 20), lambda p: p > 2, others={"reduce_shared": EVERYTHING}),
}


def measure(build, metric, limit, name, ranks, value):
    settings = {**limit.others, name: value}
    text = ",".join(f"{key}={number}" for key, number in settings.items())
    command = [f"{build}/bin/mpirun", "-n", str(ranks), f"{build}/test/bench/bench_coll", "--only", metric, "--cap-ms", "50",
               "--sizes", ",".join(map(str, limit.sizes))]
    if ranks <= len(os.sched_getaffinity(0)):
        command += ["--cpus", ",".join(map(str, sorted(os.sched_getaffinity(0))[:ranks]))]
    done = subprocess.run(command, env={**os.environ, **limit.environment, "FATHOM_COLL_LIMITS": text},
                          capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stderr}")
    return {int(labels["bytes"]): figures["value"] for labels, figures in runner.parse_metrics(done.stdout)}


def best_limit(points):
    """Of points (bytes that are compared, time below the limit, time above it): the limit with the least regret, and that
    regret as a factor of time, in the mean."""
    def regret(candidate):
        return sum(math.log((low if at <= candidate else high) / min(low, high)) for at, low, high in points)
    chosen = min([0] + sorted({at for at, _, _ in points}), key=regret)
    return chosen, math.exp(regret(chosen) / len(points))


def study(build, name, limit, rank_counts, rounds):
    points = []
    for metric in limit.metrics:
        for ranks in rank_counts:
            if not limit.choice(ranks):
                continue
            times = collections.defaultdict(list)
            for _ in range(rounds):
                for value in (EVERYTHING, 0):
                    for size, time in measure(build, metric, limit, name, ranks, value).items():
                        times[size, value].append(time)
            for size in limit.sizes:
                if not times[size, 0] or not times[size, EVERYTHING]:
                    continue
                low, high = (statistics.median(times[size, value]) for value in (EVERYTHING, 0))
                points.append((limit.bytes(size, ranks), low, high))
                print(f"  {name:18}{metric:15}{ranks:4} ranks {size:9} B {low:10.4g} us below, {high:10.4g} us above  "
                      f"{low / high:6.2f}", flush=True)
    return points


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).parents[2] / "build")
    parser.add_argument("--ranks", default=[2, 4, 8], type=lambda text: [int(word) for word in text.split(",")])
    parser.add_argument("--rounds", default=3, type=int)
    parser.add_argument("--only", default=list(LIMITS), type=lambda text: text.split(","))
    options = parser.parse_args()
    if unknown := [name for name in options.only if name not in LIMITS]:
        parser.error(f"no such limit: {', '.join(unknown)}")
    lines = []
    for name in options.only:
        points = study(options.build, name, LIMITS[name], options.ranks, options.rounds)
        if points:
            chosen, regret = best_limit(points)
            lines.append(f"    Bytes {name} = {chosen};  // {(regret - 1) * 100:.1f} % over the faster one each time")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
