"""Where the time of a short message goes: stages from a trace of a ping-pong."""

import json

HOST, PIO, LANAI, WIRE, DMA, HANDLER = range(6)
BYTES = 8


class NoTrace(Exception):
    """The trace has no ping-pong in it."""


def spans(events, board, lanes, prefix=""):
    """Sorted (begin, end, name, bytes) in ns of a board's lanes."""
    found = []
    for event in events:
        if event.get("ph") == "X" and event.get("pid") == board and event.get("tid") in lanes \
                and event.get("name", "").startswith(prefix):
            begin = 1000 * event["ts"]
            found.append((begin, begin + 1000 * event["dur"], event["name"],
                          event.get("args", {}).get("bytes", 0)))
    return sorted(found)


def first(found, begin, what):
    for span in found:
        if span[0] >= begin:
            return span
    raise NoTrace(f"the trace has no {what} after {begin:.0f} ns")


def host_stages(events, board, begin, end):
    """What the host does from one time to another, by name, in order of first appearance; what no
    span covers are its looks at the ring."""
    found = {}
    for start, stop, name, bytes_ in spans(events, board, (HOST, PIO, HANDLER)):
        if begin <= start and stop <= end + 1:
            ns, most = found.get(name, (0, 0))
            found[name] = (ns + stop - start, max(most, bytes_))
    rows = [(f"host: {name}", ns, f"{most} bytes" if most else "software")
            for name, (ns, most) in found.items()]
    rest = end - begin - sum(row[1] for row in rows)
    return [("host: look", rest, "misses on the ring that the board writes")] + rows


def pieces(events, here, there, cycle_ns):
    """One way from board `here` to `there`, and there until the answer leaves."""
    pings = spans(events, here, (WIRE,), "send data")
    if not pings:
        raise NoTrace("the trace has no packet")
    # Of those in the middle, one that is a ping: the pongs are as long.
    send = pings[len(pings) // 2]
    receive = first(spans(events, there, (WIRE,), "receive data"), send[0], "packet received")
    dma = first(spans(events, there, (DMA,), "to host"), receive[1] - 1, "DMA")
    answer = first(spans(events, there, (WIRE,), "send data"), dma[1], "answer")
    laps = [span for span in spans(events, there, (PIO,), "write word")
            if dma[1] <= span[0] and span[1] <= answer[0]]
    if not laps:
        raise NoTrace("the trace has no slot handed over")
    lap = laps[-1][1]
    checks, until = dma[0] - receive[1], answer[0] - lap
    return [("wire", receive[1] - send[0], "packet, switch and cables, until its last byte"),
            ("LANai, receive", checks, f"{checks / cycle_ns:.0f} cycles, until the DMA starts"),
            ("host DMA", dma[1] - dma[0], f"{dma[3]} bytes into the ring"),
            *host_stages(events, there, dma[1], lap),
            ("LANai, send", until, f"{until / cycle_ns:.0f} cycles, until the first byte leaves")]


def budget(trace, cycle_ns):
    """Rows (stage, ns, what) whose sum is one way of a ping-pong."""
    events = trace["traceEvents"] if isinstance(trace, dict) else trace
    return [{"stage": name, "ns": ns, "what": what}
            for name, ns, what in pieces(events, 0, 1, cycle_ns)]


def load(path):
    """A trace file; one that was cut short is taken as far as it goes."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(text.rstrip().rstrip(",") + "]}")
