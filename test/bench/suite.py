"""What there is to run: benchmarks, their programs, rank counts and options."""

import dataclasses

# In the order of the report.
NAMES = ("latency", "bandwidth", "coll", "oversub", "datatypes", "matching", "threads", "overlap",
         "startup", "memory", "idle", "nas")

NAS_KERNELS = ("ep", "is", "cg", "mg", "ft")
NAS_POWER_OF_TWO = ("cg", "mg", "ft")  # these run on such rank counts only

# Open MPI has no such thread.
PROGRESS_THREAD = {"BENCH_KIND": "thread", "FATHOM_PROGRESS_THREAD": "1", "MPICH_ASYNC_PROGRESS": "1"}


@dataclasses.dataclass
class Job:
    benchmark: str
    program: str  # file under programs/ without .cpp, or nas/<kernel>
    ranks: int
    arguments: list
    bound: bool = False       # to separate cores, by the program itself, for every MPI alike
    limit_s: float = 120      # after which a run is ended and counts as failed
    outside: bool = False     # the figure is the time of the whole command
    times: int = 1            # runs within a round
    environment: dict = dataclasses.field(default_factory=dict)


def sizes(values):
    return ["--sizes", ",".join(str(value) for value in values)]


def jobs(options, cores):
    """All runs of one round for one MPI."""
    quick = options.quick
    pairwise = {
        "latency": sizes([0, 8, 64, 1024, 8192, 65536, 1 << 20, 4 << 20]) if quick else [],
        "bandwidth": sizes([8, 1024, 8192, 65536, 1 << 20, 4 << 20]) if quick else [],
        "datatypes": sizes([65536]) if quick else [],
        "matching": [], "threads": [], "idle": [],
    }
    pace = ["--cap-ms", "40"] if quick else []
    chosen = []
    for name in options.only:
        if name in pairwise:
            bound = name not in ("threads", "idle")
            chosen.append(Job(name, name, 2, pace + pairwise[name], bound=bound))
        elif name == "overlap":
            for settings in ({}, PROGRESS_THREAD):
                chosen += [Job(name, name, ranks, pace, bound=not settings, environment=settings)
                           for ranks in options.ranks or [2]]
        elif name == "coll":
            chosen += collectives(name, options.ranks or [2], cores, quick)
        elif name == "oversub":
            usual = [4, 8] if quick else [4, 8, 16]
            chosen += collectives(name, options.ranks or usual, cores, quick)
        elif name == "startup":
            for ranks in options.ranks or ([2, 16] if quick else [2, 16, 64, 128]):
                times = 5 if ranks <= 4 else 3 if ranks <= 16 else 1
                chosen.append(Job(name, "hello", ranks, [], outside=True, times=times))
        elif name == "memory":
            for ranks in options.ranks or ([2, 16] if quick else [2, 16, 64, 128]):
                chosen.append(Job(name, "memory", ranks, []))
        elif name == "nas":
            for kernel in NAS_KERNELS:
                for ranks in options.ranks or [2]:
                    if kernel in NAS_POWER_OF_TWO and ranks & (ranks - 1):
                        continue
                    chosen.append(Job(name, "nas/" + kernel, ranks,
                                      ["--class", options.nas_class], limit_s=300))
    return chosen


def collectives(name, rank_counts, cores, quick):
    made = []
    for ranks in rank_counts:
        fits = ranks <= cores
        lengths = [8, 1024, 65536] + ([1 << 20] if fits else [])
        arguments = sizes(lengths[:2] if quick else lengths)
        # More ranks than cores: an operation may take 100 ms with some MPIs.
        arguments += ["--budget-s", "10" if quick else "40"]
        arguments += ["--cap-ms", "40" if quick else "100" if fits else "250"]
        made.append(Job(name, "coll", ranks, arguments, bound=fits))
    return made
