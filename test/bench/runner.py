"""Compiles the programs with each MPI, runs them in alternation and gathers their figures."""

import collections
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import time

import hosts
import suite

# Labels that hold figures; all the others tell one figure from another.
FIGURES = ("value", "min", "max", "unit", "reps")


def distinct_cores():
    """Allowed CPUs, one per physical core where there are two such, in order."""
    allowed = sorted(os.sched_getaffinity(0))
    cores = {}
    for cpu in allowed:
        path = pathlib.Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        try:
            key = path.read_text().strip()
        except OSError:
            key = str(cpu)
        cores.setdefault(key, cpu)
    return sorted(cores.values()) if len(cores) > 1 else allowed


def parse_metrics(text):
    """Yields (labels, figures) of each line `metric key=value ...`."""
    for line in text.splitlines():
        if not line.startswith("metric "):
            continue
        pairs = dict(word.split("=", 1) for word in line.split()[1:])
        figures = {key: pairs.pop(key) for key in FIGURES if key in pairs}
        try:
            parsed = {key: figures[key] if key == "unit" else float(figures[key])
                      for key in figures}
        except ValueError:
            continue
        if "value" in parsed and "unit" in parsed:
            yield pairs, parsed


def parse_nas(text):
    """The time that a NAS kernel reports, if it says that its result is right."""
    seconds = re.search(r"Time in seconds\s*=\s*([0-9.]+)", text)
    verified = re.search(r"Verification\s*=\s*SUCCESSFUL", text)
    return float(seconds.group(1)) if seconds and verified else None


class Results:
    """Figures of every (benchmark, labels) by MPI, one per run."""

    def __init__(self, stat):
        self.stat = stat
        self.runs = collections.OrderedDict()  # (benchmark, labels) -> mpi -> [figures]
        self.limits = collections.OrderedDict()  # labels -> [figures]
        self.failures = []

    def add(self, benchmark, labels, mpi, figures):
        key = (benchmark, tuple(labels.items()))
        self.runs.setdefault(key, collections.OrderedDict()).setdefault(mpi, []).append(figures)

    def add_limit(self, labels, figures):
        labels = {key: value for key, value in labels.items() if key != "slots"}
        self.limits.setdefault(tuple(labels.items()), []).append(figures)

    def summary(self, runs):
        if self.stat == "min":
            best = [run.get("max", run.get("min", run["value"])) for run in runs]
            return max(best) if "max" in runs[0] else min(best)
        return statistics.median(run["value"] for run in runs)

    def as_list(self):
        rows = []
        for (benchmark, labels), by_mpi in self.runs.items():
            first = next(iter(by_mpi.values()))[0]
            rows.append({"benchmark": benchmark, "labels": dict(labels), "unit": first["unit"],
                         "values": {mpi: self.summary(runs) for mpi, runs in by_mpi.items()},
                         "runs": by_mpi})
        return rows

    def limits_as_list(self):
        return [{"labels": dict(labels), "unit": runs[0]["unit"], "value": self.summary(runs),
                 "runs": runs} for labels, runs in self.limits.items()]


class Runner:
    def __init__(self, root, folder, implementations, cpus, options):
        self.root = root
        self.folder = folder
        self.mpis = implementations
        self.cpus = cpus
        self.options = options
        self.results = Results(options.stat)
        self.handoffs_us = []  # before each round: tells whether the machine itself changed
        self.bed = None        # of hosts, where there are several
        self.broken = set()    # (mpi, program, ranks) that is not run any more
        self.environment = dict(os.environ, TMPDIR=str(folder))

    def say(self, text):
        print(f"bench: {text}", file=sys.stderr, flush=True)

    def everything(self):
        jobs = suite.jobs(self.options, len(os.sched_getaffinity(0)))
        self.compile_all(jobs)
        for number in range(self.options.rounds):
            # Each round begins with another MPI, so that none is always first.
            turn = number % len(self.mpis)
            order = self.mpis[turn:] + self.mpis[:turn]
            self.measure_limits()
            for job in jobs:
                self.say(f"round {number + 1}/{self.options.rounds}: {job.benchmark} "
                         f"{job.program} on {job.ranks} ranks")
                for mpi in order:
                    if (mpi.name, job.program, job.ranks) not in self.broken:
                        self.run_job(job, mpi)
        return self.results

    # -- compiling

    def compile_all(self, jobs):
        limits = sorted(str(path) for path in (self.root / "test/bench/machine").glob("*.cpp"))
        compiler = os.environ.get("CXX", "g++")
        self.compile([compiler, "-D_GNU_SOURCE"], limits, self.folder / "limits", fatal=True)
        for mpi in self.mpis:
            (self.folder / mpi.name).mkdir()
            for program in sorted({job.program for job in jobs}):
                target = self.folder / mpi.name / pathlib.Path(program).name
                sources = self.sources(program)
                if not sources:
                    self.fail(mpi, program, "its sources are not in this tree")
                elif not self.compile([mpi.wrapper], sources, target):
                    self.fail(mpi, program, "does not compile")
                else:
                    continue
                self.broken.update((mpi.name, job.program, job.ranks) for job in jobs
                                   if job.program == program)

    def sources(self, program):
        if not program.startswith("nas/"):
            return [str(self.root / "test/bench/programs" / (program + ".cpp"))]
        # A kernel is KERNEL.cpp and KERNEL_*.cpp over the nas.cpp that all share.
        folder = self.root / "examples/nas"
        kernel = program.split("/")[1]
        own = sorted(folder.glob(kernel + ".cpp")) + sorted(folder.glob(kernel + "_*.cpp"))
        return [str(path) for path in own + [folder / "nas.cpp"]] if own else []

    def compile(self, compiler, sources, target, fatal=False):
        command = compiler + ["-O3", "-std=c++20", f"-I{self.root}", *sources, "-o", str(target),
                              "-pthread"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.say(" ".join(command) + "\n" + done.stderr[-2000:])
            if fatal:
                sys.exit(1)
        return done.returncode == 0

    # -- running

    def fail(self, mpi, program, why):
        self.say(f"{mpi.title}, {program}: {why}")
        failure = {"mpi": mpi.name, "program": program, "why": why}
        if failure not in self.results.failures:  # once, however many rounds repeat it
            self.results.failures.append(failure)

    def execute(self, command, limit_s, mpi=None, extra=None):
        """Status (None: ended after limit_s), output and seconds of one command; `extra`: of its environment."""
        start = time.monotonic()
        settings = dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                        errors="replace", cwd=self.folder, start_new_session=True)
        environment = {**self.environment, **(extra or {})}
        if self.bed and mpi:
            environment |= mpi.environment
            process = self.bed.hosts[0].popen(command, env=environment, **settings)
        else:
            process = subprocess.Popen(command, env=environment, **settings)
        try:
            output, _ = process.communicate(timeout=limit_s)
            return process.returncode, output, time.monotonic() - start
        except subprocess.TimeoutExpired:
            self.end(process)
            return None, "", limit_s
        except BaseException:
            self.end(process)
            raise

    def end(self, process):
        """Ends the process group: politely, so that the launcher clears up, then by force."""
        if self.bed:
            self.bed.kill_all()
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.communicate(timeout=5)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue

    def measure_limits(self):
        pair = ",".join(str(cpu) for cpu in (self.cpus * 2)[:2])
        program = [str(self.folder / "limits"), "--cpus", pair]
        status, output, _ = self.execute(program + ["--handoff"], 60)
        for _, figures in parse_metrics(output):
            self.handoffs_us.append(figures["value"])
        extra = ["--smoke"] if self.options.quick else []
        if self.bed:
            first, second = self.bed.hosts[:2]
            extra += ["--hosts", f"{first.pid},{second.pid}", first.ipv4()]
        status, output, _ = self.execute(program + extra, 120)
        if status != 0:
            self.say(f"limits failed with status {status}: {output[-500:]}")
        for labels, figures in parse_metrics(output):
            self.results.add_limit(labels, figures)

    def run_job(self, job, mpi):
        program = [str(self.folder / mpi.name / pathlib.Path(job.program).name)] + job.arguments
        if job.bound and len(self.cpus) >= job.ranks:
            program += ["--cpus", ",".join(str(cpu) for cpu in self.cpus[:job.ranks])]
        command = mpi.command(job.ranks, program, len(os.sched_getaffinity(0)))
        if self.bed:
            hosts.spread(self.bed, mpi, job.ranks)
        for _ in range(job.times):
            status, output, seconds = self.execute(command, job.limit_s, mpi, job.environment)
            if status is None:
                self.fail(mpi, job.program, f"no end after {job.limit_s:.0f} s "
                                            f"on {job.ranks} ranks")
                self.broken.add((mpi.name, job.program, job.ranks))
                return
            if status != 0:
                tail = " | ".join(output.strip().splitlines()[-3:])
                self.fail(mpi, job.program,
                          f"status {status} on {job.ranks} ranks: {tail[:300]}")
                return
            self.keep(job, mpi, output, seconds)

    def keep(self, job, mpi, output, seconds):
        if job.benchmark == "nas":
            kernel = job.program.split("/")[1].upper()
            value = parse_nas(output)
            if value is None:
                self.fail(mpi, job.program, "gave no verified time")
                return
            labels = {"name": "nas", "kernel": kernel, "class": self.options.nas_class,
                      "ranks": str(job.ranks)}
            self.results.add("nas", labels, mpi.name, {"value": value, "unit": "s"})
            return
        if job.outside:
            self.results.add(job.benchmark, {"name": "mpirun", "ranks": str(job.ranks)}, mpi.name,
                             {"value": seconds * 1e3, "unit": "ms"})
        seen = False
        for labels, figures in parse_metrics(output):
            seen = True
            self.results.add(job.benchmark, labels, mpi.name, figures)
        if not seen:
            self.fail(mpi, job.program, "printed no metric")
