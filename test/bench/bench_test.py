"""Tests of the driver: parsing, ratios, limits, tables, pictures. Runs no MPI."""

import unittest
import xml.etree.ElementTree as ElementTree

import runner
import svg
import table
import tune


def row(name, unit, values, benchmark="b", **labels):
    return {"benchmark": benchmark, "labels": dict(labels, name=name), "unit": unit,
            "values": values, "runs": {}}


def report(metrics, limits=()):
    return {
        "started": "now", "stat": "median", "rounds": 1, "cores": [0, 1], "handoff_us": [0.05],
        "machine": {"processor": "P", "cpus": [0, 1], "kernel": "6.1", "load": [0, 0, 0]},
        "mpis": [{"name": "fathom", "title": "Fathom", "version": "1", "launcher": "mpirun"},
                 {"name": "mpich", "title": "MPICH", "version": "4", "launcher": "mpiexec"},
                 {"name": "openmpi", "title": "Open MPI", "version": "4", "launcher": "mpirun"}],
        "limits": list(limits), "metrics": metrics, "failures": [],
    }


class Tuning(unittest.TestCase):
    def test_the_limit_is_where_the_curves_cross(self):
        points = [(100, 1.0, 3.0), (200, 2.0, 3.0), (400, 4.0, 3.5), (800, 8.0, 4.0)]
        self.assertEqual(tune.best_limit(points), (200, 1.0))

    def test_a_curve_that_is_always_below_gives_an_end(self):
        self.assertEqual(tune.best_limit([(100, 2.0, 1.0), (200, 2.0, 1.0)]), (0, 1.0))
        self.assertEqual(tune.best_limit([(100, 1.0, 2.0), (200, 1.0, 2.0)]), (200, 1.0))

    def test_where_rank_counts_disagree_the_larger_loss_decides(self):
        chosen, regret = tune.best_limit([(100, 1.0, 4.0), (100, 2.0, 1.0)])
        self.assertEqual(chosen, 100)
        self.assertAlmostEqual(regret, 2 ** 0.5)


class Parsing(unittest.TestCase):
    def test_a_metric_line_is_labels_and_figures(self):
        text = "noise\nmetric name=latency bytes=8 value=0.5 min=0.4 unit=us reps=3\n"
        self.assertEqual(list(runner.parse_metrics(text)),
                         [({"name": "latency", "bytes": "8"},
                           {"value": 0.5, "min": 0.4, "unit": "us", "reps": 3.0})])

    def test_lines_without_a_number_or_a_unit_are_left_out(self):
        text = "metric name=a value=x unit=us\nmetric name=a value=1\nmetric name=a unit=us\n"
        self.assertEqual(list(runner.parse_metrics(text)), [])

    def test_a_kernel_counts_only_when_it_verified(self):
        text = " Time in seconds =   1.25\n Verification    =  {}\n"
        self.assertEqual(runner.parse_nas(text.format("SUCCESSFUL")), 1.25)
        self.assertIsNone(runner.parse_nas(text.format("UNSUCCESSFUL")))
        self.assertIsNone(runner.parse_nas(" Verification = SUCCESSFUL\n"))


class Summaries(unittest.TestCase):
    def summary(self, stat, runs):
        return runner.Results(stat).summary(runs)

    def test_the_median_is_over_runs(self):
        runs = [{"value": v, "min": v / 2} for v in (1.0, 9.0, 2.0)]
        self.assertEqual(self.summary("median", runs), 2.0)

    def test_the_best_is_the_least_time_and_the_greatest_rate(self):
        self.assertEqual(self.summary("min", [{"value": 2, "min": 1}, {"value": 3, "min": 2}]), 1)
        self.assertEqual(self.summary("min", [{"value": 2, "max": 5}, {"value": 3, "max": 4}]), 5)

    def test_slot_geometries_of_one_limit_are_one_figure(self):
        results = runner.Results("median")
        for slots, value in (("8x32K", 1.0), ("64x32K", 3.0)):
            results.add_limit({"name": "pipeline", "bytes": "8", "slots": slots},
                              {"value": value, "unit": "us"})
        self.assertEqual([entry["value"] for entry in results.limits_as_list()], [2.0])


class Ratios(unittest.TestCase):
    names = ["fathom", "mpich", "openmpi"]

    def test_the_better_peer_is_the_faster_one(self):
        time = row("latency", "us", {"fathom": 1.0, "mpich": 4.0, "openmpi": 2.0})
        rate = row("bandwidth", "MB/s", {"fathom": 8.0, "mpich": 4.0, "openmpi": 2.0})
        self.assertEqual(table.ratio_cells(time, self.names, 0.5), ("0.5", "0.5", "2"))
        self.assertEqual(table.ratio_cells(rate, self.names, 16.0), ("2", "16", "0.5"))
        self.assertEqual(table.slowness(time, self.names), 0.5)
        self.assertEqual(table.slowness(rate, self.names), 0.5)

    def test_a_missing_value_gives_no_ratio(self):
        alone = row("latency", "us", {"fathom": 1.0})
        peers = row("latency", "us", {"mpich": 1.0})
        self.assertEqual(table.ratio_cells(alone, self.names, None), ("-", "-", "-"))
        self.assertEqual(table.ratio_cells(peers, self.names, 1.0), ("-", "1", "-"))
        self.assertIsNone(table.slowness(peers, self.names))

    def test_limits_follow_the_size(self):
        limits = table.Limits(report([], [
            {"labels": {"name": "line_handoff"}, "unit": "us", "value": 0.05},
            {"labels": {"name": "pipeline", "bytes": "65536"}, "unit": "us", "value": 4.0},
            {"labels": {"name": "vm_readv", "bytes": "65536"}, "unit": "MB/s", "value": 32768.0},
            {"labels": {"name": "pipeline_rate", "bytes": "65536"}, "unit": "MB/s", "value": 9}]))
        self.assertEqual(limits.of(row("latency", "us", {}, bytes="8")), 0.05)
        self.assertEqual(limits.of(row("latency", "us", {}, bytes="65536")), 2.0)
        self.assertEqual(limits.of(row("bandwidth", "MB/s", {}, bytes="65536")), 32768.0)
        self.assertIsNone(limits.of(row("latency", "us", {}, bytes="128")))


class Rendering(unittest.TestCase):
    def setUp(self):
        self.metrics = [
            row("latency", "us", {"fathom": n / 8, "mpich": n / 4, "openmpi": n / 2},
                bytes=str(n)) for n in (0, 8, 16, 1024)]
        self.metrics += [row("barrier", "us", {"fathom": 2.0 * n, "openmpi": 3.0 * n},
                             ranks=str(n)) for n in (2, 4, 8)]

    def test_the_table_has_a_line_per_shown_size_and_a_ratio(self):
        text = table.render(report(self.metrics))
        latency = text[text.index("latency, one way"):text.index("barrier")]
        lines = [line.split() for line in latency.splitlines()]
        self.assertIn(["8", "B", "1", "2", "4", "0.5"], lines)
        self.assertFalse(any(line[:2] == ["16", "B"] for line in lines))
        self.assertIn("Summary", text)

    def test_failures_and_a_changed_machine_are_named(self):
        broken = report(self.metrics)
        broken["failures"] = [{"mpi": "mpich", "program": "coll", "why": "status 1"}]
        broken["handoff_us"] = [0.05, 0.2]
        text = table.render(broken)
        self.assertIn("FAILED: mpich coll: status 1", text)
        self.assertIn("the machine itself changed", text)

    def test_the_picture_is_well_formed_and_has_every_curve(self):
        root = ElementTree.fromstring(svg.curves(report(self.metrics)))
        words = [element.text for element in root.iter() if element.tag.endswith("text")]
        for expected in ("Latency, two ranks", "Barrier", "Fathom 1", "Open MPI 4", "ranks"):
            self.assertIn(expected, words)
        self.assertNotIn("Bandwidth, one direction", words)
        circles = [e for e in root.iter() if e.tag.endswith("circle")]
        self.assertEqual(len(circles), 3 + 3 + 1)  # no point for 0 bytes; one in the legend

    def test_a_report_without_curves_is_still_a_picture(self):
        ElementTree.fromstring(svg.curves(report([])))


if __name__ == "__main__":
    unittest.main()
