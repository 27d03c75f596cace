"""Where the time of a short message goes: stages from a trace of a ping-pong, and what of them the
constants of the machine explain."""

import collections
import json

LANAI, WIRE, DMA = 2, 3, 4
BYTES = 8
SLOT_BYTES = 16  # a send slot's words besides payload and lap


class NoTrace(Exception):
    """The trace has no ping-pong in it."""


def spans(events, board, lane, name):
    """Sorted (begin, end, bytes) in ns of one kind."""
    found = []
    for event in events:
        if (event.get("ph"), event.get("pid"), event.get("tid"), event.get("name")) == \
                ("X", board, lane, name):
            begin = 1000 * event["ts"]
            found.append((begin, begin + 1000 * event["dur"],
                          event.get("args", {}).get("bytes", 0)))
    return sorted(found)


def first(found, begin, what):
    for span in found:
        if span[0] >= begin:
            return span
    raise NoTrace(f"the trace has no {what} after {begin:.0f} ns")


def usual(found):
    """Those of the most frequent length: the pings, without acknowledgements and meetings."""
    if not found:
        raise NoTrace("the trace has no packet")
    length = collections.Counter(span[2] for span in found).most_common(1)[0][0]
    return [span for span in found if span[2] == length]


def pieces(events, here, there):
    """One way from board `here` to `there`, and there until the answer leaves."""
    pings = usual(spans(events, here, WIRE, "send"))
    send = pings[len(pings) // 2]
    receive = next((span for span in spans(events, there, WIRE, "receive") if span[1] > send[0]
                    and span[2] >= send[2] - 16), None)
    if receive is None:
        raise NoTrace("the trace has no packet received")
    dma = first(spans(events, there, DMA, "to host"), receive[1] - 1, "DMA")
    answer = first(usual(spans(events, there, WIRE, "send")), dma[1], "answer")
    work = [span for span in spans(events, there, LANAI, "work") if span[0] <= answer[0] + 1]
    woken = max(work[-1][0], dma[1]) if work else dma[1]
    return [("wire", receive[1] - send[0], "packet, switch and cables, until its last byte"),
            ("LANai, receive", dma[0] - receive[1], "checks, until the DMA starts"),
            ("host DMA", dma[1] - dma[0], f"{dma[2]} bytes into the ring"),
            ("host", woken - dma[1], "until the lap word is on the board"),
            ("LANai, send", answer[0] - woken, "slot, header, until the first byte leaves")]


def host_parts(cost):
    """What the host's software and accesses cost by the machine's constants."""
    return [("poll", cost["poll"], "a look at the ring"),
            ("take packet", cost["fm_packet"], "software"),
            ("handler", cost["fm_handler"], "software"),
            ("copy", cost["copy_start"] + BYTES * cost["copy_byte"], "to the user's buffer"),
            ("send", cost["fm_send"] + cost["fm_piece"], "software"),
            ("PIO", cost["pio_write_start"] + (SLOT_BYTES + BYTES) * cost["pio_write_byte"],
             f"{SLOT_BYTES + BYTES} bytes, combined"),
            ("PIO, lap word", cost["pio_word"], "not combined")]


def split_host(host_ns, parts):
    """The host's stage in parts; what they do not explain is waiting."""
    rest = host_ns - sum(part[1] for part in parts)
    return parts + [("rest", rest, "rounds of polling, and what is not listed")]


def budget(trace, constants, cycle_ns):
    """Rows (stage, ns, what) whose sum is one way of a ping-pong."""
    events = trace["traceEvents"] if isinstance(trace, dict) else trace
    rows = []
    for name, ns, what in pieces(events, 0, 1):
        if name == "host":
            rows += [("host: " + part, part_ns, words)
                     for part, part_ns, words in split_host(ns, host_parts(constants))]
        elif name.startswith("LANai"):
            rows.append((name, ns, f"{ns / cycle_ns:.0f} cycles: {what}"))
        else:
            rows.append((name, ns, what))
    return [{"stage": name, "ns": ns, "what": what} for name, ns, what in rows]


def load(path):
    """A trace file; one that was cut short is taken as far as it goes."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(text.rstrip().rstrip(",") + "]}")
