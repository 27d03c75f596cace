"""The tables of README.md, written by the bench itself."""

import report

BEGIN, END = "<!-- from here: fm-bench --readme -->\n", "<!-- to here -->\n"


def table(rows):
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|---" * len(rows[0]) + "|")
    return lines


def figures(groups):
    rows = [["figure", "published", "model", "ours", "machine", "target"]]
    for entries in groups.values():
        for entry in entries:
            unit = entry["unit"].replace("us", "µs")
            model = report.number(entry["model"]) if entry["model"] is not None else ""
            published = report.ratio(entry, "model")
            if published is not None:
                model += f" ({100 * (published - 1):+.0f} %)"
            target = ""
            if entry["target"] is not None:
                target = report.number(entry["target"]) + \
                    (": missed" if report.verdict(entry).endswith("MISSED") else "")
            rows.append([entry["what"], f"{report.number(entry['published'])} {unit}", model,
                         report.number(entry["ours"]), f"`{entry['machine']}`", target])
    return table(rows)


def parts(limits):
    rows = [["8 B one way, ns", "hardware", "software", "LANai", "sum", "", "left for the LANai"]]
    for row in limits:
        total = row["hardware"] + row["software"] + row["lanai"]
        target = row["target"] and 1000 * row["target"]
        left = target - row["hardware"] - row["software"] if target else None
        rows.append([row["what"]] + [f"{row[key]:.0f}" for key in ("hardware", "software")] +
                    [f"{row['lanai']:.0f} ({row['cycles']:.0f} cycles)", f"{total:.0f}",
                     f"{row['aim']} {target:.0f}" if target else "",
                     f"{left:.0f}" if target and row["aim"] == "target" else ""])
    return table(rows)


def share(rows):
    """The least and the most over all sizes, and from 256 B up."""
    found = [["MPI as a share of FM, %", "least", "most", "least from 256 B up", "at"]]
    for who in ("model", "ppro200", "pii300"):
        points = [(row[who]["percent"], row["bytes"]) for row in rows if who in row]
        if points:
            least, at = min(point for point in points if point[1] >= 256)
            found.append([who, f"{min(points)[0]:.0f}", f"{max(points)[0]:.0f}", f"{least:.0f}", f"{at} B"])
    return table(found)


def render(result):
    lines = figures(result["figures"])
    if result.get("share"):
        lines += ["", *share(result["share"])]
    if result.get("limits"):
        aims = [dict(row, aim="target") for row in result["limits"]]
        aims += [dict(row, aim="published") for row in result["model_parts"]]
        lines += ["", *parts(aims)]
    return "\n".join(lines) + "\n"


def has_place(text):
    return BEGIN in text and END in text


def put_into(text, result):
    """The text with what stands between the two lines replaced."""
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    return text[:begin] + "\n" + render(result) + "\n" + text[end:]
