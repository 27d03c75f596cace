"""The pictures: curves as SVG, with the pieces of test/bench/svg.py."""

import math

import papers
import svg

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
SHAPES = ["circle", "square", "triangle"]
PUBLISHED = "#444444"


def style(place):
    return COLOURS[place % len(COLOURS)], SHAPES[place % len(SHAPES)]


class Linear:
    """Maps values to pixels on a linear scale."""

    def __init__(self, low, high, start, length):
        self.low, self.high, self.start, self.length = low, high, start, length

    def at(self, value):
        return self.start + self.length * (value - self.low) / (self.high - self.low)


def round_ticks(high):
    """Four to eight ticks from 0 past `high`."""
    step = 10.0 ** math.floor(math.log10(high))
    for factor in (0.2, 0.5, 1, 2):
        if high / (step * factor) <= 8:
            step *= factor
            break
    return [step * k for k in range(math.ceil(high / step) + 1)]


def sizes_ticks(low, high):
    return [(1 << k, svg.size_name(1 << k)) for k in range(0, 40, 4) if low <= 1 << k <= high]


def panel(spec, left, top):
    """One diagram: title, axis, series {name: points}, marks [(x, y, words)], log_y, over."""
    points = [p for series in spec["series"].values() for p in series]
    points += [(x, y) for x, y, _ in spec.get("marks", [])]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low, high = min(xs), max(max(xs), 2 * min(xs))
    x_axis = svg.Axis(low, high, left + 12, svg.PLOT_WIDTH - 24)
    bottom = top + svg.PLOT_HEIGHT
    if spec.get("log_y"):
        y_ticks = svg.decades(min(ys), max(ys))
        y_ticks += [] if len(y_ticks) > 1 else [10 * y_ticks[0]]
        y_axis = svg.Axis(y_ticks[0], y_ticks[-1], bottom, -svg.PLOT_HEIGHT)
    else:
        y_ticks = round_ticks(max(ys))
        y_axis = Linear(0, y_ticks[-1], bottom, -svg.PLOT_HEIGHT)
    x_ticks = spec.get("x_ticks") or sizes_ticks(low, high)
    parts = svg.grid(x_axis, y_axis, x_ticks, y_ticks, left)
    parts.append(svg.text(left + svg.PLOT_WIDTH / 2, top - 12, spec["title"], 15,
                          extra='font-weight="bold"'))
    parts.append(svg.text(left + svg.PLOT_WIDTH / 2, bottom + 42, spec["over"]))
    x, y = left - 56, top + svg.PLOT_HEIGHT / 2
    parts.append(svg.text(x, y, spec["axis"], extra=f'transform="rotate(-90 {x:.1f} {y:.1f})"'))
    for place, series in enumerate(spec["series"].values()):
        if series:
            parts += svg.curve(series, x_axis, y_axis, *style(place))
    for x, y, words in spec.get("marks", []):
        parts.append(f'<path d="M {x_axis.at(x) - 6:.1f} {y_axis.at(y):.1f} h 12 m -6 -6 v 12" '
                     f'stroke="{PUBLISHED}" stroke-width="2"/>')
        parts.append(svg.text(x_axis.at(x) - 9, y_axis.at(y) - 5, words, 11, "end"))
    return parts + legend(spec, left, bottom + 62)


def legend(spec, left, y):
    parts, x = [], left
    for place, name in enumerate(spec["series"]):
        colour, shape = style(place)
        width = 44 + 7 * len(name)
        if x + width > left + svg.PLOT_WIDTH:
            x, y = left, y + 18
        parts.append(f'<path d="M {x} {y} h 22" stroke="{colour}" stroke-width="2"/>')
        parts.append(svg.mark(x + 11, y, shape, colour))
        parts.append(svg.text(x + 28, y + 4, name, 12, "start"))
        x += width
    return parts


def curve_panels(curves):
    bandwidth = {name: both["bandwidth"] for name, both in curves.items() if both["bandwidth"]}
    latency = {name: both["latency"] for name, both in curves.items() if both["latency"]}
    panels = {}
    if bandwidth:
        end = max(x for series in bandwidth.values() for x, _ in series)
        marks = [(256, 43, "FM 2.1 at 256 B"), (end, 92, "FM 2.1"), (end, 126, "BIP"),
                 (end, 17.6, "FM 1.x")]
        panels["fm-bandwidth.svg"] = {
            "title": "Bandwidth, modelled time", "axis": "MB/s", "over": "message size",
            "series": bandwidth, "marks": marks}
    if latency:
        marks = [(8, 14, ""), (8, 9, ""), (8, 4.3, "")]
        panels["fm-latency.svg"] = {
            "title": "Latency, modelled time", "axis": "one-way time, µs", "over": "message size",
            "series": latency, "marks": marks, "log_y": True}
    return panels


def share_panel(share):
    names = {"MPI-FM model": "model", "MPI ours, ppro200": "ppro200", "MPI ours, pii300": "pii300"}
    series = {name: [(row["bytes"], row[key]["percent"]) for row in share if key in row]
              for name, key in names.items()}
    marks = [(16, papers.SHARE["least"], ""), (share[-1]["bytes"], papers.SHARE["most"], "MPI-FM")]
    return {"title": "MPI as a share of FM", "axis": "percent", "over": "message size",
            "series": series, "marks": marks}


def multicast_panel(multicast):
    series = {}
    for row in multicast:
        for tree in ("binomial", "iterative"):
            name = f"{tree}, {row['bytes']} B"
            series.setdefault(name, []).append((row["nodes"], row[tree]))
    nodes = sorted({row["nodes"] for row in multicast})
    return {"title": "Multicast over FM", "axis": "until the last node, µs", "over": "nodes",
            "series": series, "log_y": True, "x_ticks": [(n, str(n)) for n in nodes]}


def pictures(result):
    """File names and their contents, as far as there is something to draw."""
    specs = curve_panels(result.get("curves") or {})
    if result.get("share"):
        specs["fm-share.svg"] = share_panel(result["share"])
    if result.get("multicast"):
        specs["fm-multicast.svg"] = multicast_panel(result["multicast"])
    width, height = svg.LEFT + svg.PLOT_WIDTH + svg.RIGHT, 44 + svg.PLOT_HEIGHT + svg.BOTTOM + 60
    files = {}
    for name, spec in specs.items():
        if any(spec["series"].values()):
            parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
                     f'viewBox="0 0 {width} {height}">',
                     f'<rect width="{width}" height="{height}" fill="white"/>',
                     *panel(spec, svg.LEFT, 44), "</svg>"]
            files[name] = "\n".join(parts) + "\n"
    return files
