"""The report as text: one table per metric, with ratios."""

import math

TITLES = {
    "latency": "latency, one way", "bandwidth": "bandwidth, one direction",
    "bibandwidth": "bandwidth, both directions together", "message_rate": "message rate",
    "bimessage_rate": "message rate, both directions together",
    "datatype": "derived datatypes, one way (limit: packing by hand)",
    "hand_pack": "packing by hand, one way", "matching": "matching, one way",
    "thread_rate": "message rate under MPI_THREAD_MULTIPLE",
    "exposed": "share of a nonblocking collective that computation does not hide",
    "mpirun": "start-up: mpirun of hello, whole command", "init": "MPI_Init, slowest rank",
    "memory": "memory of a rank, largest", "memory_mean": "memory of a rank, mean",
    "idle_cpu": "processor time of a rank blocked in MPI_Recv",
    "idle_wake": "waking of that rank (limit: futex wake)", "nas": "NAS kernels",
}
# Of the curves, the sizes that the table shows; the JSON has all.
CURVES = ("latency", "bandwidth", "bibandwidth")
SHOWN_SIZES = {0, 8, 64, 1024, 8192, 65536, 262144, 1 << 20, 4 << 20}
HIGHER_IS_BETTER = ("MB/s", "Mmsg/s")
NUMERIC_LABELS = ("bytes", "ranks", "entries", "threads")


def better(unit, values):
    return max(values) if unit in HIGHER_IS_BETTER else min(values)


def number(value):
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:.0f}"
    return f"{value:.3g}"


def size(text):
    value = int(text)
    for unit, factor in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= factor and value % factor == 0:
            return f"{value // factor} {unit}"
    return f"{value} B"


class Limits:
    """What the machine allows, for the metrics where bare code measures the same thing."""

    def __init__(self, report):
        self.by_labels = {tuple(sorted(entry["labels"].items())): entry["value"]
                          for entry in report["limits"]}
        self.between_hosts = report.get("hosts", 1) > 1
        self.hand_pack = {}
        for row in report["metrics"]:
            if row["labels"]["name"] == "hand_pack":
                key = (row["labels"]["kind"], row["labels"]["bytes"])
                self.hand_pack[key] = min(row["values"].values())

    def find(self, **labels):
        return self.by_labels.get(tuple(sorted(labels.items())))

    def of_copies(self, bytes_):
        """Time of the faster way to bring a message across: by two copies at once, or by one."""
        time = self.find(name="pipeline", bytes=bytes_)
        rate = self.find(name="vm_readv", bytes=bytes_)
        times = [time, int(bytes_) / rate if rate else None]
        return min((value for value in times if value), default=None)

    def of(self, row):
        labels = row["labels"]
        name = labels["name"]
        if self.between_hosts:
            if name == "latency":
                return self.find(name="tcp", kind="spinning", bytes=labels["bytes"])
            return self.find(name="tcp_stream", bytes=labels["bytes"]) if name == "bandwidth" else None
        if name == "latency":
            if int(labels["bytes"]) <= 64:
                return self.find(name="line_handoff")
            return self.of_copies(labels["bytes"])
        if name == "bandwidth":
            rates = [self.find(name="pipeline_rate", bytes=labels["bytes"]),
                     self.find(name="vm_readv", bytes=labels["bytes"])]
            return max((rate for rate in rates if rate), default=None)
        if name == "datatype":
            return self.hand_pack.get((labels["kind"], labels["bytes"]))
        if name == "idle_wake":
            return self.find(name="futex_wake", kind="cross_core")
        return None


def aligned(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    right = [all(row[i][:1] in "0123456789-" for row in rows[1:]) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        # Columns of words to the left, of figures (all start with a digit or `-`) to the right.
        cells = [row[i].rjust(widths[i]) if right[i] else row[i].ljust(widths[i])
                 for i in range(len(row))]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines


def heads(report):
    lines = ["Fathom benchmark, " + report["started"],
             f"  {report['machine']['processor']}, {len(report['machine']['cpus'])} CPUs, "
             f"Linux {report['machine']['kernel']}; "
             f"{report['stat']} of {report['rounds']} round(s); "
             f"pairs of ranks bound to cores {','.join(map(str, report['cores'][:2]))}"]
    for mpi in report["mpis"]:
        lines.append(f"  {mpi['title']:9s} {mpi['version']:9s} {mpi['launcher']}")
    handoffs = report["handoff_us"]
    if handoffs:
        lines.append("  cache-line hand-off before each round, us: "
                     + " ".join(f"{value:.3f}" for value in handoffs))
        if max(handoffs) > 1.5 * min(handoffs):
            lines.append("  NOTE: the machine itself changed between rounds; "
                         "compare only within a round, or measure again")
    return lines


def limit_table(report):
    rows = [["limit of the machine", "value", "unit"]]
    for entry in report["limits"]:
        labels = dict(entry["labels"])
        text = labels.pop("name")
        if "bytes" in labels:
            text += " " + size(labels.pop("bytes"))
        text += "".join(" " + value for value in labels.values())
        rows.append([text, number(entry["value"]), entry["unit"]])
    return aligned(rows) if len(rows) > 1 else []


def sort_key(row):
    return [(0, int(value), "") if key in NUMERIC_LABELS and value.isdigit() else (1, 0, value)
            for key, value in row["labels"].items()]


def ratio_cells(row, names, limit):
    """Ratio to the better peer, the limit, ratio to the limit (of Fathom, or the better peer)."""
    values = row["values"]
    peers = [values[name] for name in names if name != "fathom" and name in values]
    ours = values.get("fathom")
    peer = better(row["unit"], peers) if peers else None
    subject = ours if "fathom" in names else peer
    ratio = ours / peer if ours is not None and peer else None
    to_limit = subject / limit if subject is not None and limit else None
    return number(ratio), number(limit), number(to_limit)


def metric_table(report, limits, rows):
    names = [mpi["name"] for mpi in report["mpis"]]
    titles = [mpi["title"] for mpi in report["mpis"]]
    name = rows[0]["labels"]["name"]
    unit = rows[0]["unit"]
    keys = [key for key in rows[0]["labels"] if key != "name"]
    fixed = [key for key in keys if len({row["labels"].get(key) for row in rows}) == 1]
    varying = [key for key in keys if key not in fixed]
    title = f"{TITLES.get(name, name)}, {unit}"
    title += " (higher is better)" if unit in HIGHER_IS_BETTER else " (lower is better)"
    for key in fixed:
        value = rows[0]["labels"][key]
        title += f", {size(value)}" if key == "bytes" else f", {key} {value}"
    with_peers = "fathom" in names and len(names) > 1
    limit_values = [limits.of(row) for row in rows]
    with_limit = any(value is not None for value in limit_values)
    head = varying + titles + (["ratio"] if with_peers else [])
    head += ["limit", "x limit"] if with_limit else []
    table = [head]
    for row, limit in zip(rows, limit_values):
        cells = [size(row["labels"][key]) if key == "bytes" else row["labels"].get(key, "-")
                 for key in varying]
        cells += [number(row["values"].get(mpi)) for mpi in names]
        ratio, bound, to_limit = ratio_cells(row, names, limit)
        cells += [ratio] if with_peers else []
        cells += [bound, to_limit] if with_limit else []
        table.append(cells)
    return [title] + aligned(table)


def slowness(row, names):
    """Fathom against the better peer so that below 1 is always faster; None without both."""
    peers = [row["values"][name] for name in names
             if name != "fathom" and row["values"].get(name)]
    ours = row["values"].get("fathom")
    if not peers or not ours:
        return None
    ratio = ours / better(row["unit"], peers)
    return 1 / ratio if row["unit"] in HIGHER_IS_BETTER else ratio


def summary_table(report):
    names = [mpi["name"] for mpi in report["mpis"]]
    groups = {}
    for row in report["metrics"]:
        value = slowness(row, names)
        if value is not None and row["labels"]["name"] != "hand_pack":
            groups.setdefault((row["benchmark"], row["labels"]["name"]), []).append((value, row))
    table = [["benchmark", "metric", "figures", "mean", "worst", "at"]]
    for (benchmark, name), pairs in groups.items():
        mean = math.exp(sum(math.log(value) for value, _ in pairs) / len(pairs))
        worst, row = max(pairs, key=lambda pair: pair[0])
        at = " ".join(f"{key}={value}" for key, value in row["labels"].items() if key != "name")
        table.append([benchmark, name, str(len(pairs)), number(mean), number(worst), at or "-"])
    if len(table) == 1:
        return []
    return ["", "Summary: Fathom / the better peer, geometric mean and worst figure; rates are "
                "turned over, so that below 1 is faster everywhere"] + aligned(table)


def render(report):
    lines = heads(report)
    lines += [""] + limit_table(report)
    limits = Limits(report)
    groups = {}
    for row in report["metrics"]:
        name = row["labels"]["name"]
        if name in CURVES and int(row["labels"]["bytes"]) not in SHOWN_SIZES:
            continue
        groups.setdefault((row["benchmark"], name, row["unit"]), []).append(row)
    for rows in groups.values():
        lines += [""] + metric_table(report, limits, rows)
    if any(mpi["name"] == "fathom" for mpi in report["mpis"]) and len(report["mpis"]) > 1:
        lines += summary_table(report)
        lines += ["", "ratio: Fathom / the better peer.  x limit: Fathom / the limit."]
    else:
        lines += ["", "x limit: the better of the above / the limit."]
    for failure in report["failures"]:
        lines.append(f"FAILED: {failure['mpi']} {failure['program']}: {failure['why']}")
    return "\n".join(lines)
