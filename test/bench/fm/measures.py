"""From the metric lines of a program to the papers' figures."""

from functools import partial


def by_size(rows, name):
    """Sorted pairs (bytes, value) of one metric."""
    return sorted((int(labels["bytes"]), value) for labels, value in rows
                  if labels["name"] == name and "bytes" in labels)


def at(rows, name, bytes_):
    return dict(by_size(rows, name)).get(bytes_)


def peak_of(points):
    return max((value for _, value in points), default=None)


def half_of(points):
    """The size at which half of the peak is reached: between two measured sizes, by a line."""
    peak = peak_of(points)
    if peak is None:
        return None
    before = None
    for size, value in points:
        if value >= peak / 2:
            if before is None:
                return float(size)
            size0, value0 = before
            return size0 + (size - size0) * (peak / 2 - value0) / (value - value0)
        before = (size, value)
    return None


def pingpong(rows):
    """Bandwidth as BIP counts it: bytes over the one-way time of a single message."""
    return [(size, size / time) for size, time in by_size(rows, "latency") if size > 0]


def bandwidth(rows):
    return by_size(rows, "bandwidth")


def single(rows, name):
    return next((value for labels, value in rows if labels["name"] == name), None)


def measures():
    """By the names that papers.py uses: (metrics that the program has to print, function of rows)."""
    table = {
        "peak": (("bandwidth",), lambda rows: peak_of(bandwidth(rows))),
        "half_power": (("bandwidth",), lambda rows: half_of(bandwidth(rows))),
        "half_power_pingpong": (("latency",), lambda rows: half_of(pingpong(rows))),
    }
    for size in (8, 16):
        table[f"latency_{size}"] = (("latency",), partial(at, name="latency", bytes_=size))
    table["bandwidth_256"] = (("bandwidth",), partial(at, name="bandwidth", bytes_=256))
    for name in ("os", "or", "L", "g"):
        table[f"logp_{name}"] = (("logp",), partial(single, name=f"logp_{name}"))
    return table


MEASURES = measures()
