"""Draws the curves of a report as SVG, log-log, without any library: latency and bandwidth over
message size, and collectives over the number of ranks where several were measured."""

import math
from xml.sax.saxutils import escape

# Okabe and Ito's colours, which colour-blind readers tell apart; shapes differ too.
STYLES = {"fathom": ("#0072B2", "circle"), "mpich": ("#D55E00", "square"),
          "openmpi": ("#009E73", "triangle")}
LIMIT_COLOUR = "#666666"
# `keep` are labels that a row must have; a curve of fewer than `least` points is
# not drawn.
PANELS = [
    {"name": "latency", "title": "Latency, two ranks", "axis": "one-way time, µs", "over": "bytes",
     "limit": "pipeline"},
    {"name": "bandwidth", "title": "Bandwidth, one direction", "axis": "MB/s", "over": "bytes",
     "limit": "pipeline_rate"},
    {"name": "bibandwidth", "title": "Bandwidth, both directions", "axis": "MB/s",
     "over": "bytes"},
    {"name": "barrier", "title": "Barrier", "axis": "time, µs", "over": "ranks", "least": 3},
    {"name": "allreduce", "title": "Allreduce, 8 B", "axis": "time, µs", "over": "ranks",
     "keep": {"bytes": "8"}, "least": 3},
    {"name": "alltoall", "title": "Alltoall, 1 KiB", "axis": "time, µs", "over": "ranks",
     "keep": {"bytes": "1024"}, "least": 3},
]
PANELS_IN_A_ROW = 3
PLOT_WIDTH, PLOT_HEIGHT = 400, 330
LEFT, TOP, BOTTOM, RIGHT = 74, 92, 62, 20
FONT = 'font-family="DejaVu Sans, Helvetica, Arial, sans-serif"'


def size_name(value):
    for unit, factor in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= factor:
            return f"{value // factor} {unit}"
    return f"{value} B"


def series_of(report, spec):
    """Per MPI the sorted points (x, value); zero bytes have no place on a log axis."""
    series = {}
    for row in report["metrics"]:
        labels = row["labels"]
        wanted = dict(spec.get("keep", {}), name=spec["name"])
        if any(labels.get(key) != value for key, value in wanted.items()):
            continue
        place = int(labels[spec["over"]])
        for mpi, value in row["values"].items():
            if place > 0 and value > 0:
                series.setdefault(mpi, {})[place] = value
    least = spec.get("least", 1)
    return {mpi: sorted(points.items()) for mpi, points in series.items()
            if len(points) >= least}


def limit_of(report, spec):
    return sorted((int(entry["labels"]["bytes"]), entry["value"]) for entry in report["limits"]
                  if entry["labels"]["name"] == spec.get("limit"))


class Axis:
    """Maps values to pixels on a logarithmic scale."""

    def __init__(self, low, high, start, length):
        self.low, self.high = low, high
        self.start, self.length = start, length

    def at(self, value):
        span = math.log(self.high) - math.log(self.low)
        return self.start + self.length * (math.log(value) - math.log(self.low)) / span


def decades(low, high):
    return [10.0 ** k for k in range(math.floor(math.log10(low) + 1e-9),
                                     math.ceil(math.log10(high) - 1e-9) + 1)]


def plain(value):
    return f"{value:g}" if value < 1e4 else f"{value:,.0f}".replace(",", "\u2009")


def text(x, y, words, size=12, anchor="middle", extra=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" {FONT} '
            f'fill="#222" {extra}>{escape(words)}</text>')


def mark(x, y, shape, colour):
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{colour}"/>'
    if shape == "square":
        return (f'<rect x="{x - 3.1:.1f}" y="{y - 3.1:.1f}" width="6.2" height="6.2" '
                f'fill="{colour}"/>')
    return (f'<path d="M {x:.1f} {y - 4.2:.1f} L {x + 3.9:.1f} {y + 2.9:.1f} '
            f'L {x - 3.9:.1f} {y + 2.9:.1f} Z" fill="{colour}"/>')


def curve(points, x_axis, y_axis, colour, shape):
    places = [(x_axis.at(x), y_axis.at(y)) for x, y in points]
    path = " L ".join(f"{x:.1f} {y:.1f}" for x, y in places)
    dash = "" if shape else ' stroke-dasharray="6 4"'
    width = "2" if shape else "1.6"
    parts = [f'<path d="M {path}" fill="none" stroke="{colour}" stroke-width="{width}" '
             f'stroke-linejoin="round"{dash}/>']
    if shape:
        parts += [mark(x, y, shape, colour) for x, y in places]
    return parts


def grid(x_axis, y_axis, x_ticks, y_ticks, left):
    """`x_ticks`: pairs of value and name."""
    top, bottom = y_axis.start + y_axis.length, y_axis.start
    right = left + PLOT_WIDTH
    parts = []
    for value in y_ticks:
        y = y_axis.at(value)
        parts.append(f'<path d="M {left} {y:.1f} H {right}" stroke="#ddd"/>')
        parts.append(text(left - 8, y + 4, plain(value), anchor="end"))
    for value, name in x_ticks:
        x = x_axis.at(value)
        parts.append(f'<path d="M {x:.1f} {top} V {bottom}" stroke="#eee"/>')
        parts.append(text(x, bottom + 18, name, 11))
    parts.append(f'<rect x="{left}" y="{top}" width="{PLOT_WIDTH}" height="{PLOT_HEIGHT}" '
                 'fill="none" stroke="#888"/>')
    return parts


def panel(report, spec, series, left, top):
    limit = limit_of(report, spec)
    everything = [point for points in series.values() for point in points] + limit
    values = [y for _, y in everything]
    y_ticks = decades(min(values), max(values))
    if len(y_ticks) == 1:
        y_ticks.append(y_ticks[0] * 10)
    low = min(x for x, _ in everything)
    high = max(max(x for x, _ in everything), 2 * low)
    inset = 12
    x_axis = Axis(low, high, left + inset, PLOT_WIDTH - 2 * inset)
    y_axis = Axis(y_ticks[0], y_ticks[-1], top + PLOT_HEIGHT, -PLOT_HEIGHT)
    if spec["over"] == "bytes":
        x_ticks = [(1 << k, size_name(1 << k)) for k in range(0, 40, 4) if low <= 1 << k <= high]
        below = "message size"
    else:
        x_ticks = [(x, str(x)) for x in sorted({x for x, _ in everything})]
        below = "ranks"
    parts = grid(x_axis, y_axis, x_ticks, y_ticks, left)
    parts.append(text(left + PLOT_WIDTH / 2, top - 12, spec["title"], 15,
                      extra='font-weight="bold"'))
    parts.append(text(left + PLOT_WIDTH / 2, top + PLOT_HEIGHT + 42, below))
    x, y = left - 56, top + PLOT_HEIGHT / 2
    parts.append(text(x, y, spec["axis"], extra=f'transform="rotate(-90 {x:.1f} {y:.1f})"'))
    if limit:
        parts += curve(limit, x_axis, y_axis, LIMIT_COLOUR, None)
    for mpi in reversed([m["name"] for m in report["mpis"]]):  # Fathom is drawn last, on top
        if mpi in series:
            colour, shape = STYLES[mpi]
            parts += curve(series[mpi], x_axis, y_axis, colour, shape)
    return parts


def legend(report, with_limit):
    parts, x, y = [], LEFT, 52
    for mpi in report["mpis"]:
        colour, shape = STYLES[mpi["name"]]
        name = f"{mpi['title']} {mpi['version']}".strip()
        parts.append(f'<path d="M {x} {y} h 28" stroke="{colour}" stroke-width="2"/>')
        parts.append(mark(x + 14, y, shape, colour))
        parts.append(text(x + 36, y + 4, name, 13, "start"))
        x += 62 + 8 * len(name)
    if with_limit:
        parts.append(f'<path d="M {x} {y} h 28" stroke="{LIMIT_COLOUR}" stroke-width="1.6" '
                     'stroke-dasharray="6 4"/>')
        parts.append(text(x + 36, y + 4, "bare code, both cores copying", 13, "start"))
    return parts


def curves(report):
    drawn = [(spec, series_of(report, spec)) for spec in PANELS]
    drawn = [(spec, series) for spec, series in drawn if series]
    step = LEFT + PLOT_WIDTH + RIGHT
    row_height = PLOT_HEIGHT + BOTTOM + 34
    rows = max(1, math.ceil(len(drawn) / PANELS_IN_A_ROW))
    width = max(1, min(len(drawn), PANELS_IN_A_ROW)) * step
    height = TOP - 34 + rows * row_height
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
             f'viewBox="0 0 {width} {height}">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    machine = report["machine"]
    parts.append(text(LEFT, 26, f"One host with {len(machine['cpus'])} CPUs: "
                                f"{machine['processor']}, "
                                f"Linux {machine['kernel'].split('-')[0]}", 14, "start"))
    if not drawn:
        parts.append(text(LEFT, 60, "no curve was measured", 13, "start"))
        return "\n".join(parts + ["</svg>"]) + "\n"
    parts += legend(report, any(limit_of(report, spec) for spec, _ in drawn))
    for number, (spec, series) in enumerate(drawn):
        row, column = divmod(number, PANELS_IN_A_ROW)
        parts += panel(report, spec, series, LEFT + column * step, TOP + row * row_height)
    return "\n".join(parts + ["</svg>"]) + "\n"
