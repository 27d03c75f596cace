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


HARDWARE = ("wire", "host DMA", "host: look", "host: write", "host: copy", "host: read")


def parts(rows, cycle_ns):
    """A one-way budget in three: what buses, links and memory take, the host's software, the LANai's
    instructions (its idle waiting included)."""
    found = {"hardware": 0.0, "software": 0.0, "lanai": 0.0}
    for row in rows:
        kind = "lanai" if row["stage"].startswith("LANai") else \
            "hardware" if row["stage"].startswith(HARDWARE) else "software"
        found[kind] += row["ns"]
    found["cycles"] = found["lanai"] / cycle_ns
    return found


def busy(events, board, lanes, begin, end, prefix=""):
    """How long the lanes of a board are busy from one time to another; polling is not work."""
    return sum(min(stop, end) - max(start, begin)
               for start, stop, name, _ in spans(events, board, lanes, prefix)
               if start < end and stop > begin and name not in ("FM poll", "read word"))


def stream(trace, cycle_ns):
    """What each part does for one packet in the middle of a stream from board 0 to board 1, in ns, and the
    interval of packets."""
    events = trace["traceEvents"] if isinstance(trace, dict) else trace
    arrivals = spans(events, 1, (DMA,), "to host")
    most = max((span[3] for span in arrivals), default=0)
    arrivals = [span for span in arrivals if 2 * span[3] > most]  # not those of meetings
    if len(arrivals) < 16:
        raise NoTrace("the trace has no stream")
    window = arrivals[len(arrivals) // 4:3 * len(arrivals) // 4]
    begin, end, packets = window[0][0], window[-1][0], len(window) - 1
    per_packet = {
        "host, send": busy(events, 0, (HOST, PIO), begin, end),
        "DMA, send": busy(events, 0, (DMA,), begin, end),
        "wire": busy(events, 0, (WIRE,), begin, end, "send"),
        "DMA, receive": busy(events, 1, (DMA,), begin, end),
        "host, receive": busy(events, 1, (HOST, PIO, HANDLER), begin, end),
    }
    row = {name: ns / packets for name, ns in per_packet.items()}
    row["bytes"] = window[0][3]
    row["interval"] = (end - begin) / packets
    # The wire is held by a receiver that does not take the packet, so that it is no limit by itself.
    longest = max(row[name] for name in per_packet if name != "wire")
    row["waits_cycles"] = (row["interval"] - longest) / cycle_ns
    return row


def load(path):
    """A trace file; one that was cut short is taken as far as it goes."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(text.rstrip().rstrip(",") + "]}")
