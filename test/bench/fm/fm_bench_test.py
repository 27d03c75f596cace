"""Unit tests of fm-bench's driver: what it makes of figures that are known."""

import contextlib
import io
import json
import os
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import budget  # noqa: E402
import fm_bench  # noqa: E402
import jobs  # noqa: E402
import markdown  # noqa: E402
import measures  # noqa: E402
import papers  # noqa: E402
import report  # noqa: E402

# A program that prints what a machine of start-up time 4 us and 100 MB/s gives: mpirun, and the models.
FAKE_PROGRAM = """#!{python}
import sys
metric, nodes = sys.argv[2], 2
if "-n" in sys.argv:
    metric = sys.argv[sys.argv.index("-n") + 3]
    nodes = int(sys.argv[sys.argv.index("-n") + 1])
elif metric == "twoway":
    sys.exit("no such luck")
sizes = [8 << k for k in range(18)]
if metric == "logp":
    for name in ("os", "or", "L", "g"):
        print("metric name=logp_" + name, "bytes=16 value=1.5 unit=us")
elif metric == "multicast":
    for tree, steps in (("binomial", nodes.bit_length() - 1), ("iterative", nodes - 1)):
        print(f"metric name=multicast bytes=16 nodes={{nodes}} tree={{tree}} value={{5 + steps}} unit=us")
else:
    for size in sizes:
        time = 4 + size / 100
        value = time if metric == "latency" else size / time
        print(f"metric name={{metric}} bytes={{size}} value={{value}} unit=x")
"""


class Figures(unittest.TestCase):
    def test_half_power_is_found_between_sizes(self):
        points = [(100, 10.0), (200, 40.0), (400, 70.0), (800, 100.0)]
        self.assertAlmostEqual(measures.half_of(points), 200 + 200 * 10 / 30)
        self.assertEqual(measures.half_of([(64, 5.0)]), 64)
        self.assertIsNone(measures.half_of([]))

    def test_every_figure_names_a_measure(self):
        for figure in papers.FIGURES:
            self.assertIn(figure.measure, measures.MEASURES, figure.what)
            self.assertIn(figure.paper, papers.PAPERS)

    def test_a_model_that_is_off_is_called_so(self):
        entry = {"what": "x", "unit": "us", "published": 10, "model": 11.4, "ours": 5, "target": 6}
        self.assertEqual(report.verdict(entry), "ok, target 6 met")
        entry.update(model=11.6, ours=6.1)
        self.assertEqual(report.verdict(entry), "off by +16 %, target 6 MISSED")
        entry.update(unit="MB/s", model=None, ours=6.1)
        self.assertEqual(report.verdict(entry), "target 6 met")

    def test_lines_that_are_no_metrics_are_passed_over(self):
        text = "hello\nmetric name=a value=x\nmetric name=a bytes=8 value=1.5 unit=us\nmetric name=b\n"
        self.assertEqual(list(jobs.parse_metrics(text)),
                         [({"name": "a", "bytes": "8", "unit": "us"}, 1.5)])


class Budget(unittest.TestCase):
    @staticmethod
    def span(board, lane, name, begin, end, bytes_=0):
        return {"ph": "X", "pid": board, "tid": lane, "name": name, "ts": begin / 1000,
                "dur": (end - begin) / 1000, "args": {"bytes": bytes_}}

    def trace(self):
        """Six packets, one each 3 us, each with an acknowledgement in its shadow."""
        events = [{"ph": "M", "name": "process_name", "pid": 0, "args": {"name": "board 0"}}]
        for begin, here in ((1000, 0), (4000, 1), (7000, 0), (10000, 1), (13000, 0), (16000, 1)):
            there = 1 - here
            events += [self.span(here, budget.WIRE, "send data 1", begin, begin + 250, 40),
                       self.span(there, budget.WIRE, "receive data 1", begin + 100, begin + 400),
                       self.span(there, budget.LANAI, "work", begin + 400, begin + 1300),
                       self.span(there, budget.DMA, "to host", begin + 1000, begin + 1500, 56),
                       self.span(there, budget.HOST, "FM packet", begin + 1600, begin + 1800),
                       self.span(there, budget.HANDLER, "handler", begin + 1800, begin + 1850),
                       self.span(there, budget.PIO, "write", begin + 1850, begin + 1900, 24),
                       self.span(there, budget.PIO, "write word", begin + 1900, begin + 2000, 4),
                       self.span(there, budget.HOST, "FM poll", begin + 2100, begin + 2200)]
        events.append(self.span(0, budget.WIRE, "send ack 1", 2500, 2600, 26))
        return {"traceEvents": events}

    def test_the_stages_add_up_to_one_way(self):
        rows = budget.budget(self.trace(), 30)
        by_name = {row["stage"]: row["ns"] for row in rows}
        expected = {"wire": 400, "LANai, receive": 600, "host DMA": 500, "host: look": 100,
                    "host: FM packet": 200, "host: handler": 50, "host: write": 50,
                    "host: write word": 100, "LANai, send": 1000}
        self.assertEqual(list(by_name), list(expected))
        for name, ns in expected.items():
            self.assertAlmostEqual(by_name[name], ns, places=3)
        self.assertIn("20 cycles", next(r["what"] for r in rows if r["stage"] == "LANai, receive"))

    def test_a_budget_has_three_parts(self):
        parts = budget.parts(budget.budget(self.trace(), 30), 30)
        self.assertAlmostEqual(parts["hardware"], 400 + 500 + 100 + 50 + 100, places=3)
        self.assertAlmostEqual(parts["software"], 200 + 50, places=3)
        self.assertAlmostEqual(parts["cycles"], 1600 / 30, places=3)

    def test_a_stream_shows_what_holds_it_up(self):
        events = [self.span(1, budget.DMA, "to host", 10, 20, 8)]
        for begin in range(1000, 21000, 1000):
            events += [self.span(0, budget.HOST, "FM send", begin, begin + 100),
                       self.span(0, budget.HOST, "FM poll", begin + 100, begin + 900),
                       self.span(0, budget.WIRE, "send data 1", begin, begin + 950, 40),
                       self.span(1, budget.DMA, "to host", begin + 200, begin + 600, 56)]
        row = budget.stream(events, 30)
        self.assertAlmostEqual(row["host, send"], 100, places=3)
        self.assertAlmostEqual(row["wire"], 950, places=3)
        self.assertAlmostEqual(row["interval"], 1000, places=3)
        self.assertAlmostEqual(row["waits_cycles"], 600 / 30, places=3)

    def test_a_trace_without_packets_is_no_budget(self):
        for evaluate in (budget.budget, budget.stream):
            with self.assertRaises(budget.NoTrace):
                evaluate({"traceEvents": []}, 30)

    def test_a_trace_that_was_cut_short_is_read(self):
        text = json.dumps(self.trace())
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(text[:text.rindex("}, {") + 1] + ",\n")
            file.flush()
            self.assertEqual(len(budget.load(file.name)["traceEvents"]),
                             len(self.trace()["traceEvents"]) - 1)


class Whole(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.prefix = pathlib.Path(folder.name)
        for program in ("bin/mpirun", "libexec/fathom/fm-bench-papers"):
            path = self.prefix / program
            path.parent.mkdir(parents=True)
            path.write_text(FAKE_PROGRAM.format(python=sys.executable), encoding="utf-8")
            os.chmod(path, 0o755)

    def run_main(self, *arguments):
        name, sys.argv[0] = sys.argv[0], str(self.prefix / "bin" / "fm-bench")
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out):
                status = fm_bench.main(list(arguments))
        finally:
            sys.argv[0] = name
        return status, out.getvalue()

    def test_figures_stand_beside_the_published_ones(self):
        status, text = self.run_main("--paper", "fm2,mpi")
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r"FM 2\.1, latency +us +9 +4\.08 +0\.453 +4\.08 +0\.453 +pii300 +"
                               r"off by -55 %, target 6 met")
        self.assertRegex(text, r"(?m)^ +256 B +39 +39 +100 ")

    def test_the_tables_of_a_readme_are_replaced(self):
        readme = self.prefix / "README.md"
        readme.write_text(f"before\n{markdown.BEGIN}old\n{markdown.END}after\n", encoding="utf-8")
        status, _ = self.run_main("--paper", "bip,mpi", "--readme", str(readme))
        self.assertEqual(status, 0)
        text = readme.read_text(encoding="utf-8")
        self.assertTrue(text.startswith("before\n") and text.endswith("after\n"))
        self.assertNotIn("old", text)
        self.assertIn("| BIP 0.92, latency | 4.3 µs | 4.08 (-5 %) | 4.08 | `ppro200` | 6 |\n", text)
        self.assertIn("| BIP 0.92, peak bandwidth | 126 MB/s | 100 (-21 %) | 100 | `ppro200` | 126: missed |\n",
                      text)
        self.assertRegex(text, r"(?m)^\| pii300 \| 100 \| 100 \| 100 \| \d+ B \|$")

    def test_pictures_and_json(self):
        svg, data = self.prefix / "pictures", self.prefix / "out.json"
        status, text = self.run_main("--paper", "multicast,bip", "--svg", str(svg), "--json",
                                     str(data))
        self.assertEqual(status, 0, text)
        names = sorted(path.name for path in svg.iterdir())
        self.assertEqual(names, ["fm-bandwidth.svg", "fm-latency.svg", "fm-multicast.svg"])
        for name in names:
            xml.etree.ElementTree.parse(svg / name)
        self.assertIn("iterative, 16 B", (svg / names[2]).read_text(encoding="utf-8"))
        stored = json.loads(data.read_text(encoding="utf-8"))
        self.assertEqual([row["nodes"] for row in stored["multicast"]], [2, 4, 8, 16])
        self.assertRegex(text, r"(?m)^ +16 +16 B +9 +20 +2\.22$")

    def test_a_failure_is_shown_and_the_rest_goes_on(self):
        status, text = self.run_main("--paper", "logp")
        self.assertEqual(status, 1)
        self.assertIn("FAILED: twoway of the model of fm2: status 1: no such luck", text)
        self.assertIn("FAILED: trace of fm on ppro200: ", text)
        self.assertIn("FAILED: trace of the model of bip: ", text)
        self.assertRegex(text, r"LogP, gap g +us +5\.8 +- +- +1\.5")

    def test_an_unknown_paper_is_refused(self):
        with contextlib.redirect_stderr(io.StringIO()) as err, self.assertRaises(SystemExit):
            self.run_main("--paper", "fm1,fm9")
        self.assertIn("no 'fm9'; there are all, fm1", err.getvalue())


if __name__ == "__main__":
    unittest.main()
