"""Runs the programs in modelled time, ours under mpirun, and keeps what they printed."""

import os
import pathlib
import subprocess
import sys

import papers


class Failure(Exception):
    """A program that did not run to its end; the text says which and how."""


def parse_metrics(text):
    """Yields (labels, value) of each line `metric key=value ...`."""
    for line in text.splitlines():
        if not line.startswith("metric "):
            continue
        labels = dict(word.split("=", 1) for word in line.split()[1:])
        try:
            value = float(labels.pop("value"))
        except (KeyError, ValueError):
            continue
        yield labels, value


# Ours sends as it does by itself, whatever the user's environment says.
ENVIRONMENT = {"FATHOM_FM_STRATEGY": "adapt"}


def name_of(setup):
    if isinstance(setup, papers.Model):
        return f"the model of {setup.system}"
    return f"{setup.program} on {setup.machine}"


class Jobs:
    """In modelled time runs hardly differ, so each job runs once and its figures are kept."""

    def __init__(self, prefix, quick=False, verbose=False, limit_s=600):
        self.mpirun = prefix / "bin" / "mpirun"
        self.programs = prefix / "libexec" / "fathom"
        self.quick = quick
        self.verbose = verbose
        self.limit_s = limit_s
        self.done = {}

    def command(self, setup, ranks, arguments, trace=None):
        if isinstance(setup, papers.Model):
            options = ["--trace", trace] if trace else []
            return [str(self.programs / "fm-bench-papers"), setup.system, *arguments, *options]
        options = ["--fm-trace", trace] if trace else []
        return [str(self.mpirun), "--device", "fm", "--fm-machine", setup.machine, *options,
                "-n", str(ranks), str(self.programs / f"fm-bench-{setup.program}"), *arguments]

    def run(self, setup, metric, ranks=2, extra=()):
        """Rows (labels, value) of one metric."""
        key = (setup, metric, ranks, tuple(extra))
        if key not in self.done:
            self.done[key] = self.execute(setup, metric, ranks, extra)
        rows = self.done[key]
        if isinstance(rows, Failure):
            raise rows
        return rows

    def execute(self, setup, metric, ranks, extra):
        arguments = [metric, *(["--quick"] if self.quick else []), *extra]
        try:
            return self.call(self.command(setup, ranks, arguments), f"{metric} of {name_of(setup)}")
        except Failure as failure:
            return failure

    def trace(self, setup, metric, extra, path):
        """Runs with a trace, which goes to `path`."""
        self.call(self.command(setup, 2, [metric, *extra], path), f"{metric} of {name_of(setup)}, traced")

    def constants(self, machine):
        """The constants of a machine in nanoseconds, by name."""
        rows = self.call([str(self.programs / "fm-bench-machines"), machine], "fm-bench-machines")
        return {labels["field"]: value for labels, value in rows}

    def call(self, command, what):
        if self.verbose:
            print("+", *command, file=sys.stderr, flush=True)
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False,
                                  env=dict(os.environ, **ENVIRONMENT), timeout=self.limit_s)
        except subprocess.TimeoutExpired:
            raise Failure(f"{what}: no end after {self.limit_s} s") from None
        except OSError as error:
            raise Failure(f"{what}: {error}") from None
        rows = list(parse_metrics(done.stdout))
        if done.returncode != 0 or not rows:
            words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
            raise Failure(f"{what}: status {done.returncode}: " + " | ".join(words))
        return rows


def prefix_of(program):
    """The tree that this program stands in: .../bin/fm-bench."""
    return pathlib.Path(os.path.abspath(program)).parent.parent
