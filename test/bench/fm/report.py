"""The report as text."""

import re

from papers import SHARE, TOLERANCE


def number(value):
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return f"{number(value[0])}-{number(value[1])}"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def aligned(rows):
    """First column to the left, figures to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for place, row in enumerate(rows):
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in
                                             zip(row[1:], widths[1:])]
        lines.append("  " + "  ".join(cells).rstrip())
        if place == 0:
            lines.append("  " + "  ".join("-" * width for width in widths))
    return lines


def higher_is_better(entry):
    return entry["unit"] == "MB/s"


def ratio(entry, which):
    published = entry["published"]
    value = entry[which]
    if value is None or isinstance(published, tuple) or not published:
        return None
    return value / published


def verdict(entry):
    """Does the model reproduce what was published; do we reach the target?"""
    words = []
    model = ratio(entry, "model")
    if model is not None:
        words.append("ok" if abs(model - 1) <= TOLERANCE else f"off by {100 * (model - 1):+.0f} %")
    if entry["target"] is not None and entry["ours"] is not None:
        value, target = entry["ours"], entry["target"]
        met = value >= target if higher_is_better(entry) else value <= target
        words.append(f"target {number(target)} " + ("met" if met else "MISSED"))
    return ", ".join(words)


def figure_table(entries):
    rows = [["figure", "unit", "published", "model", "model/pub", "ours", "ours/pub", "machine", ""]]
    for entry in entries:
        rows.append([entry["what"], entry["unit"], number(entry["published"]),
                     number(entry["model"]), number(ratio(entry, "model")), number(entry["ours"]),
                     number(ratio(entry, "ours")), entry["machine"], verdict(entry)])
    return aligned(rows)


def share_table(share):
    """MPI over FM, size by size."""
    who = ("model", "ppro200", "pii300")
    rows = [["message"] + [word for name in who for word in (f"FM {name}", "MPI", "%")]]
    for row in share:
        rows.append([f"{row['bytes']} B"] + [number(row.get(name, {}).get(key)) for name in who
                                             for key in ("fm", "mpi", "percent")])
    return aligned(rows) + [
        f"  published: {SHARE['least']} to {SHARE['most']} %, {SHARE['usual']} % or more at almost "
        f"all sizes; target {SHARE['target_from_256']} % from 256 B up"]


def three_table(three):
    rows = [["system", "ping-pong", "one way", "two ways, sum"]]
    for row in three:
        rows.append([row["what"]] + [number(row[key]) for key in ("pingpong", "oneway", "twoway")])
    return aligned(rows)


def multicast_table(multicast):
    rows = [["nodes", "message", "binomial us", "iterative us", "iterative/binomial"]]
    for row in multicast:
        rows.append([str(row["nodes"]), f"{row['bytes']} B", number(row["binomial"]),
                     number(row["iterative"]), number(row["iterative"] / row["binomial"])])
    return aligned(rows)


def budget_table(budget):
    """One column for each machine."""
    machines = list(budget)
    # Cycles and bytes differ from column to column.
    stages = {row["stage"]: re.sub(r"^\d+ (cycles, |bytes ?)", "", row["what"])
              for machine in machines for row in budget[machine]}
    ns = {machine: {row["stage"]: row["ns"] for row in budget[machine]} for machine in machines}
    rows = [["stage"] + [f"{machine} ns" for machine in machines] + ["what it is"]]
    for stage, what in stages.items():
        rows.append([stage] + [f"{ns[m].get(stage, 0):.0f}" for m in machines] + [what])
    rows.append(["sum"] + [f"{sum(ns[m].values()):.0f}" for m in machines] + [""])
    return aligned(rows)


def limits_table(limits):
    """For each one-way time: what is left for the LANai's instructions, and for the host's software,
    if the other is as it is."""
    rows = [["8 B one way, ns", "hardware", "software", "LANai", "(cycles)", "sum", "target",
             "left for LANai", "left for software"]]
    for row in limits:
        total = row["hardware"] + row["software"] + row["lanai"]
        target = 1000 * row["target"]
        rows.append([row["what"]] + [f"{value:.0f}" for value in (
            row["hardware"], row["software"], row["lanai"], row["cycles"], total, target,
            target - row["hardware"] - row["software"], target - row["hardware"] - row["lanai"])])
    return aligned(rows) + [
        "  hardware: stores, DMA, wire, cache misses, the copy; a target is within reach where what is "
        "left is not negative"]


def model_parts_table(parts):
    """The same of the papers' systems."""
    rows = [["8 B one way, ns", "hardware", "software", "LANai", "(cycles)", "sum", "published"]]
    for row in parts:
        total = row["hardware"] + row["software"] + row["lanai"]
        published = f"{1000 * row['target']:.0f}" if row["target"] else "-"
        rows.append([row["what"]] + [f"{value:.0f}" for value in (
            row["hardware"], row["software"], row["lanai"], row["cycles"], total)] + [published])
    return aligned(rows)


def streams_table(streams):
    """One line for each stream, in ns a packet."""
    names = ["host, send", "DMA, send", "wire", "DMA, receive", "host, receive"]
    rows = [["ns a packet", "DMA bytes", *names, "interval", "LANai waits, cycles"]]
    for what, row in streams.items():
        rows.append([what, str(row["bytes"])] + [f"{row[name]:.0f}" for name in names] +
                    [f"{row['interval']:.0f}", f"{row['waits_cycles']:.0f}"])
    return aligned(rows) + [
        "  the last column: the interval less the longest stage but the wire, which is held while the "
        "receiver is busy; so much the LANai's instructions add, as they do not overlap with it"]


def render(report):
    lines = ["Modelled time. model: the paper's own control program and host software on its machine; "
             "ours: this library on the named machine."]
    for title, entries in report["figures"].items():
        lines += ["", title] + figure_table(entries)
    for key, title, table in (
            ("share", "MPI as a share of FM, MB/s (figure 8 of the FM 2.x paper)", share_table),
            ("three", "The three bandwidths of the comparison study, MB/s", three_table),
            ("multicast", "Multicast over FM: until the last node has it", multicast_table),
            ("budget", "Where the time of an 8-byte message goes, one way", budget_table),
            ("limits", "What the latency targets leave", limits_table),
            ("model_budget", "The same of the papers' systems", budget_table),
            ("model_parts", "Their parts", model_parts_table),
            ("streams", "What holds up a stream", streams_table)):
        if report.get(key):
            lines += ["", title] + table(report[key])
    lines += [f"FAILED: {text}" for text in report["failures"]]
    return "\n".join(lines) + "\n"
