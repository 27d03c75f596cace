"""fm-bench: the papers' figures beside ours, in modelled time.

    fm-bench --paper all [--json FILE] [--svg FOLDER] [--readme FILE] [--quick]

Runs FM programs and MPI programs under mpirun on the emulated Myrinet, on the machines of
firmware/emulator/machine.cpp, and prints published | model | ours. The model is the paper's own
control program and host software on the paper's machine; ours is this library.
"""

import argparse
import json
import pathlib
import sys
import tempfile

import budget
import jobs
import markdown
import measures
import papers
import plots
import report

SHARE_SIZES = tuple(1 << k for k in range(4, 21))
MULTICAST_NODES = (2, 4, 8, 16)


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="fm-bench", description="The figures of the papers beside ours, in modelled time.")
    parser.add_argument("--paper", default="all", metavar="WHICH",
                        help="all, or some of " + ",".join(papers.PAPERS))
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured there")
    parser.add_argument("--svg", metavar="FOLDER", help="draw the pictures there, a file each")
    parser.add_argument("--readme", metavar="FILE",
                        help="put the tables there, as Markdown, between the lines that say so")
    parser.add_argument("--quick", action="store_true",
                        help="few sizes and repetitions: does it run? The figures are coarse")
    parser.add_argument("--verbose", action="store_true", help="show each command")
    options = parser.parse_args(arguments)
    wanted = options.paper.split(",")
    unknown = [name for name in wanted if name not in papers.PAPERS + ["all"]]
    if unknown:
        parser.error(f"--paper: no '{unknown[0]}'; there are all, " + ", ".join(papers.PAPERS))
    options.papers = papers.PAPERS if "all" in wanted else wanted
    if options.readme and not markdown.has_place(pathlib.Path(options.readme).read_text(encoding="utf-8")):
        parser.error(f"--readme: {options.readme} has no lines '{markdown.BEGIN.strip()}' and "
                     f"'{markdown.END.strip()}'")
    return options


class Bench:
    def __init__(self, runner):
        self.runner = runner
        self.failures = []

    def rows(self, setup, metric, **more):
        try:
            return self.runner.run(setup, metric, **more)
        except jobs.Failure as failure:
            if str(failure) not in self.failures:
                self.failures.append(str(failure))
            return []

    def value(self, setup, name):
        if setup is None:
            return None
        metrics, function = measures.MEASURES[name]
        rows = [row for metric in metrics for row in self.rows(setup, metric)]
        return function(rows) if rows else None

    def figure(self, figure):
        return {"what": figure.what, "unit": figure.unit, "published": figure.published,
                "source": figure.source, "model": self.value(figure.model, figure.measure),
                "ours": self.value(figure.ours, figure.measure), "target": figure.target,
                "machine": figure.ours.machine}

    def curve(self, setup, metric):
        return measures.by_size(self.rows(setup, metric), metric)

    def share(self):
        """MPI over FM at each size, for the paper's and for our machines."""
        curves = {"model": (papers.FM2_MODEL, papers.MPIFM_MODEL, None),
                  "ppro200": (papers.OURS, papers.OURS_MPI, papers.OURS_PUT),
                  "pii300": (papers.OURS_PII, papers.OURS_MPI_PII, papers.OURS_PUT_PII)}
        table = {}
        for who, (fm_setup, mpi_setup, put_setup) in curves.items():
            fm, mpi = (dict(self.curve(setup, "bandwidth")) for setup in (fm_setup, mpi_setup))
            # FM's own long messages are streams; what MPI can use, and does, is the deposit as well.
            for size, put in self.curve(put_setup, "bandwidth") if put_setup else []:
                if size in fm:
                    fm[size] = max(put, fm[size])
            for size in SHARE_SIZES:
                if fm.get(size) and mpi.get(size):
                    table.setdefault(size, {"bytes": size})[who] = {
                        "fm": fm[size], "mpi": mpi[size], "percent": 100 * mpi[size] / fm[size]}
        table = [table[size] for size in sorted(table)]
        return table

    def three(self):
        """Ping-pong, one way, two ways: the largest over all sizes."""
        table = []
        for what, setup in (("FM 2.1 model", papers.FM2_MODEL), ("FM ours", papers.OURS),
                            ("deposits ours", papers.OURS_PUT), ("MPI ours", papers.OURS_MPI)):
            pingpong = measures.pingpong(self.rows(setup, "latency"))
            table.append({"what": what, "pingpong": measures.peak_of(pingpong),
                          "oneway": measures.peak_of(self.curve(setup, "bandwidth")),
                          "twoway": measures.peak_of(self.curve(setup, "twoway"))})
        return table

    def multicast(self):
        found = {}
        for nodes in MULTICAST_NODES:
            for labels, value in self.rows(papers.OURS, "multicast", ranks=nodes):
                key = (int(labels["bytes"]), int(labels["nodes"]))
                found.setdefault(key, {})[labels["tree"]] = value
        return [{"bytes": size, "nodes": nodes, **trees} for (size, nodes), trees in
                sorted(found.items()) if len(trees) == 2]

    def traced(self, setup, metric, size, evaluate):
        """What `evaluate` makes of the trace of a run, or None."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "trace.json"
            try:
                self.runner.trace(setup, metric, ["--sizes", str(size)], str(path))
                cycle_ns = self.runner.constants(setup.machine)["cycle"]
                return evaluate(budget.load(path), cycle_ns)
            except (jobs.Failure, budget.NoTrace, OSError) as failure:
                self.failures.append(f"trace of {jobs.name_of(setup)}: {failure}")
                return None

    def budgets(self, setups):
        """Where the time of an 8-byte message goes."""
        found = {name: self.traced(setup, "latency", budget.BYTES, budget.budget)
                 for name, setup in setups.items()}
        return {name: rows for name, rows in found.items() if rows}

    def parts(self, setups, budgets, targets):
        """Each budget in parts, with what is aimed at."""
        return [{"what": name, "target": targets(name),
                 **budget.parts(rows, self.runner.constants(setups[name].machine)["cycle"])}
                for name, rows in budgets.items()]

    def streams(self):
        """What holds up a stream."""
        runs = {what: self.traced(setup, "bandwidth", size, budget.stream)
                for what, setup, size in papers.STREAMS}
        return {what: row for what, row in runs.items() if row}

    def curves(self):
        """For the pictures."""
        setups = {"FM 1.x model": papers.FM1_MODEL, "FM 2.1 model": papers.FM2_MODEL,
                  "BIP model": papers.BIP_MODEL, "FM ours": papers.OURS,
                  "deposits ours": papers.OURS_PUT, "MPI ours": papers.OURS_MPI}
        return {name: {metric: self.curve(setup, metric) for metric in ("latency", "bandwidth")}
                for name, setup in setups.items()}


def measure(options, runner):
    bench = Bench(runner)
    result = {"figures": {}, "failures": bench.failures}
    titles = {"fm1": "Fast Messages 1.x", "fm2": "Fast Messages 2.1", "bip": "BIP",
              "mpi": "MPI over FM, and the other systems", "logp": "LogP (16 B messages)"}
    for paper in options.papers:
        figures = [bench.figure(figure) for figure in papers.FIGURES if figure.paper == paper]
        if figures:
            result["figures"][titles[paper]] = figures
    if "mpi" in options.papers:
        result["share"] = bench.share()
    if "logp" in options.papers:
        result["three"] = bench.three()
        result["budget"] = bench.budgets(papers.BUDGETS)
        result["limits"] = bench.parts(papers.BUDGETS, result["budget"],
                                       lambda name: papers.LATENCY_TARGETS[name.split()[0]])
        result["model_budget"] = bench.budgets(papers.MODEL_BUDGETS)
        result["model_parts"] = bench.parts(papers.MODEL_BUDGETS, result["model_budget"],
                                            papers.MODEL_LATENCIES.get)
        result["streams"] = bench.streams()
    if "multicast" in options.papers:
        result["multicast"] = bench.multicast()
    if options.svg:
        result["curves"] = bench.curves()
    return result


def main(arguments):
    options = parse_arguments(arguments)
    runner = jobs.Jobs(jobs.prefix_of(sys.argv[0]), options.quick, options.verbose)
    result = measure(options, runner)
    sys.stdout.write(report.render(result))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
            file.write("\n")
    if options.svg:
        folder = pathlib.Path(options.svg)
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in plots.pictures(result).items():
            (folder / name).write_text(picture, encoding="utf-8")
    if options.readme:
        path = pathlib.Path(options.readme)
        path.write_text(markdown.put_into(path.read_text(encoding="utf-8"), result), encoding="utf-8")
    return 1 if result["failures"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
