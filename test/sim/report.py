#!/usr/bin/env python3
"""Makes a table and curves of what sim_sweep printed.

    sim_sweep … > lines; report.py lines [--svg curves.svg] [--title TEXT]
    report.py --smoke SIM_SWEEP      # runs a short sweep and looks at what it says

For each collective and length the table has, for each number of ranks, the time of every algorithm, with a
star at the one that the selection took, and at the end the places where another one would have been more
than a tenth faster.
"""

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
import svg  # noqa: E402

CHOSEN = "chosen"
WORSE = 1.1
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7"]
SHAPES = ["circle", "square", "triangle", "circle"]


class Case:
    """One collective at one length: times and messages by algorithm and number of ranks."""

    def __init__(self):
        self.times = defaultdict(dict)  # algorithm: {ranks: µs}
        self.messages = defaultdict(dict)
        self.left_out = defaultdict(list)

    def ranks(self):
        return sorted({r for times in self.times.values() for r in times})

    def algorithms(self):
        return [a for a in self.times if a != CHOSEN]

    def at(self, ranks):
        return {a: self.times[a][ranks] for a in self.algorithms() if ranks in self.times[a]}

    def choice(self, ranks):
        """The algorithm that took as long and as many messages as the selection's choice."""
        if ranks not in self.times[CHOSEN]:
            return None
        took = self.times[CHOSEN][ranks], self.messages[CHOSEN][ranks]
        same = [a for a in self.at(ranks) if (self.times[a][ranks], self.messages[a][ranks]) == took]
        return same[0] if same else CHOSEN


def read(lines):
    cases = defaultdict(Case)
    for line in lines:
        entry = json.loads(line)
        name = entry.get("collective") or entry["left_out"]
        case = cases[name, entry["bytes"]]
        if "left_out" in entry:
            case.left_out[entry["algorithm"]].append(entry["ranks"])
            continue
        case.times[entry["algorithm"]][entry["ranks"]] = entry["us"]
        case.messages[entry["algorithm"]][entry["ranks"]] = entry["messages"]
    return cases


def heading(name, size):
    return name if name == "barrier" else f"{name}, {svg.size_name(size)}"


def worse(cases):
    """Where the choice takes more than a tenth longer than the best: (case, ranks, choice, time, best, time)."""
    found = []
    for (name, size), case in cases.items():
        for ranks in case.ranks():
            if ranks not in case.times[CHOSEN] or not case.at(ranks):
                continue
            best = min(case.at(ranks), key=case.at(ranks).get)
            took, least = case.times[CHOSEN][ranks], case.at(ranks)[best]
            if took > WORSE * least:
                found.append((heading(name, size), ranks, case.choice(ranks), took, best, least))
    return found


def number(us):
    return f"{us:.1f}" if us < 1000 else f"{us:.0f}"


def table(cases):
    lines = []
    for (name, size), case in cases.items():
        algorithms = case.algorithms()
        lines += ["", f"{heading(name, size)} (µs)"]
        lines.append(f"{'ranks':>8}" + "".join(f"{a:>22}" for a in algorithms))
        for ranks in case.ranks():
            choice, cells = case.choice(ranks), ""
            for a in algorithms:
                time = case.times[a].get(ranks)
                mark = "*" if a == choice else " "
                cells += f"{number(time) + mark if time is not None else '-':>22}"
            other = f"   chosen: {number(case.times[CHOSEN][ranks])}" if choice == CHOSEN else ""
            lines.append(f"{ranks:>8}{cells}{other}")
        for a, ranks in case.left_out.items():
            lines.append(f"         not run for the number of messages or the memory: {a}, from {min(ranks)} ranks on")
    lines += ["", f"Where the choice takes over {WORSE - 1:.0%} longer than the best:"]
    lines += [f"  {what}, {ranks} ranks: {choice} {number(took)} µs, {best} {number(least)} µs ({took / least:.2f})"
              for what, ranks, choice, took, best, least in worse(cases)] or ["  nowhere"]
    return "\n".join(lines) + "\n"


def panel(name, size, case, left, top):
    series = {a: sorted(case.times[a].items()) for a in case.algorithms()}
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points if y > 0]
    x_axis = svg.Axis(min(xs), max(max(xs), 2 * min(xs)), left, svg.PLOT_WIDTH)
    low, high = svg.decades(min(ys), max(ys))[0], svg.decades(min(ys), max(ys))[-1]
    y_axis = svg.Axis(low, high if high > low else 10 * low, top + svg.PLOT_HEIGHT, -svg.PLOT_HEIGHT)
    ticks = [r for r in case.ranks() if r & (r - 1) == 0]
    ticks = ticks[::max(1, len(ticks) // 6)]
    parts = svg.grid(x_axis, y_axis, [(r, str(r)) for r in ticks], svg.decades(min(ys), max(ys)), left)
    parts.append(svg.text(left + svg.PLOT_WIDTH / 2, top - 44, heading(name, size), 15))
    for i, (algorithm, points) in enumerate(series.items()):
        x = left + (i % 2) * svg.PLOT_WIDTH / 2
        y = top - 26 + (i // 2) * 14
        parts.append(svg.mark(x + 6, y - 4, SHAPES[i], COLOURS[i]))
        parts.append(svg.text(x + 14, y, algorithm, 11, "start"))
        parts += svg.curve([p for p in points if p[1] > 0], x_axis, y_axis, COLOURS[i], SHAPES[i])
    for ranks, time in case.times[CHOSEN].items():
        if time > 0:
            parts.append(f'<circle cx="{x_axis.at(ranks):.1f}" cy="{y_axis.at(time):.1f}" r="6.5" fill="none" '
                         'stroke="#222" stroke-width="1.4"/>')
    return parts


def curves(cases, title):
    drawn = [(key, case) for key, case in cases.items() if len(case.ranks()) > 1]
    columns, step, height = 3, svg.LEFT + svg.PLOT_WIDTH + svg.RIGHT, svg.PLOT_HEIGHT + 110
    rows = -(-len(drawn) // columns)
    width, full = columns * step, 60 + rows * height
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{full}" '
             f'viewBox="0 0 {width} {full}">', f'<rect width="{width}" height="{full}" fill="white"/>',
             svg.text(svg.LEFT, 26, f"{title}: modelled time, µs, over ranks; a ring is what the selection took",
                      14, "start")]
    for i, ((name, size), case) in enumerate(drawn):
        parts += panel(name, size, case, svg.LEFT + i % columns * step, 60 + 50 + i // columns * height)
    return "\n".join(parts + ["</svg>"]) + "\n"


def smoke(sweep):
    """A short sweep has every collective, a choice among its algorithms, and the same times again."""
    command = [sweep, "--most", "24", "--each", "4", "--bytes", "8,4096"]
    out = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(2)]
    assert out[0] == out[1], "two runs differ"
    cases = read(out[0].splitlines())
    names = {name for name, _ in cases}
    assert len(names) == 10 and len(cases) == 19, names
    for (name, size), case in cases.items():
        assert case.ranks() == [2, 3, 4, 6, 8, 12, 16, 24], (name, size)
        for ranks in case.ranks():
            assert case.choice(ranks) in case.algorithms(), (name, size, ranks)
    # log2(24) rounds of a barrier on one rank after the other; by hosts fewer over the network.
    assert cases["barrier", 8].messages["dissemination"][24] == 24 * 5
    assert cases["barrier", 8].choice(24) == "hosts"
    assert "\nallreduce, 4 KiB (µs)\n" in table(cases)
    assert curves(cases, "smoke").count("<circle") > 100


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lines", help="what sim_sweep printed")
    parser.add_argument("--svg")
    parser.add_argument("--title", default="Simulated")
    parser.add_argument("--smoke", action="store_true", help="LINES is the program sim_sweep")
    options = parser.parse_args()
    if options.smoke:
        return smoke(options.lines)
    with open(options.lines) as lines:
        cases = read(lines)
    sys.stdout.write(table(cases))
    if options.svg:
        Path(options.svg).write_text(curves(cases, options.title))


if __name__ == "__main__":
    main()
