"""Draws the latency and bandwidth curves of a report as SVG, log-log, without any library."""

import math
from xml.sax.saxutils import escape

# Okabe and Ito's colours, which colour-blind readers tell apart; shapes differ too.
STYLES = {"fathom": ("#0072B2", "circle"), "mpich": ("#D55E00", "square"),
          "openmpi": ("#009E73", "triangle")}
LIMIT_COLOUR = "#666666"
PANELS = [
    {"name": "latency", "title": "Latency", "axis": "one-way time, µs",
     "limit": "pipeline"},
    {"name": "bandwidth", "title": "Bandwidth, one direction", "axis": "MB/s",
     "limit": "pipeline_rate"},
    {"name": "bibandwidth", "title": "Bandwidth, both directions", "axis": "MB/s",
     "limit": None},
]
PLOT_WIDTH, PLOT_HEIGHT = 400, 330
LEFT, TOP, BOTTOM, RIGHT = 74, 92, 62, 20
FONT = 'font-family="DejaVu Sans, Helvetica, Arial, sans-serif"'


def size_name(value):
    for unit, factor in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= factor:
            return f"{value // factor} {unit}"
    return f"{value} B"


def series_of(report, name):
    """Per MPI the sorted points (bytes, value); zero bytes have no place on a log axis."""
    series = {}
    for row in report["metrics"]:
        if row["labels"]["name"] != name:
            continue
        bytes_ = int(row["labels"]["bytes"])
        for mpi, value in row["values"].items():
            if bytes_ > 0 and value > 0:
                series.setdefault(mpi, []).append((bytes_, value))
    return {mpi: sorted(points) for mpi, points in series.items()}


def limit_of(report, name):
    points = [(int(entry["labels"]["bytes"]), entry["value"]) for entry in report["limits"]
              if entry["labels"]["name"] == name]
    return sorted(points)


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
        return f'<rect x="{x - 3.1:.1f}" y="{y - 3.1:.1f}" width="6.2" height="6.2" fill="{colour}"/>'
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


def grid(x_axis, y_axis, sizes, ticks, left):
    top, bottom = y_axis.start + y_axis.length, y_axis.start
    right = left + PLOT_WIDTH
    parts = []
    for value in ticks:
        y = y_axis.at(value)
        parts.append(f'<path d="M {left} {y:.1f} H {right}" stroke="#ddd"/>')
        parts.append(text(left - 8, y + 4, plain(value), anchor="end"))
    for value in sizes:
        x = x_axis.at(value)
        parts.append(f'<path d="M {x:.1f} {top} V {bottom}" stroke="#eee"/>')
        parts.append(text(x, bottom + 18, size_name(value), 11))
    parts.append(f'<rect x="{left}" y="{top}" width="{PLOT_WIDTH}" height="{PLOT_HEIGHT}" '
                 'fill="none" stroke="#888"/>')
    return parts


def panel(report, spec, series, left):
    limit = limit_of(report, spec["limit"]) if spec["limit"] else []
    everything = [point for points in series.values() for point in points] + limit
    values = [y for _, y in everything]
    ticks = decades(min(values), max(values))
    if len(ticks) == 1:
        ticks.append(ticks[0] * 10)
    low = min(x for x, _ in everything)
    high = max(max(x for x, _ in everything), 2 * low)
    inset = 12
    x_axis = Axis(low, high, left + inset, PLOT_WIDTH - 2 * inset)
    y_axis = Axis(ticks[0], ticks[-1], TOP + PLOT_HEIGHT, -PLOT_HEIGHT)
    sizes = [1 << k for k in range(0, 40, 4) if low <= 1 << k <= high]
    middle = left + PLOT_WIDTH / 2
    parts = grid(x_axis, y_axis, sizes, ticks, left)
    parts.append(text(middle, TOP - 12, spec["title"], 15, extra='font-weight="bold"'))
    parts.append(text(middle, TOP + PLOT_HEIGHT + 42, "message size"))
    x, y = left - 56, TOP + PLOT_HEIGHT / 2
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
    drawn = [(spec, series_of(report, spec["name"])) for spec in PANELS]
    drawn = [(spec, series) for spec, series in drawn if series]
    step = LEFT + PLOT_WIDTH + RIGHT
    width = max(1, len(drawn)) * step
    height = TOP + PLOT_HEIGHT + BOTTOM
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
             f'viewBox="0 0 {width} {height}">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    machine = report["machine"]
    parts.append(text(LEFT, 26, f"Two ranks on two cores of one host: {machine['processor']}, "
                                f"Linux {machine['kernel'].split('-')[0]}", 14, "start"))
    if not drawn:
        parts.append(text(LEFT, 60, "no latency or bandwidth was measured", 13, "start"))
    with_limit = any(limit_of(report, spec["limit"] or "") for spec, _ in drawn)
    if drawn:
        parts += legend(report, with_limit)
    for number, (spec, series) in enumerate(drawn):
        parts += panel(report, spec, series, LEFT + number * step)
    return "\n".join(parts + ["</svg>"]) + "\n"
