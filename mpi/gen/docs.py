"""The documentation's table of functions: which of the standard's exist."""

import re
from pathlib import Path

from model import read_csv, read_toml

REMOVED = "Removed in MPI-3.0 (§17)"


def chapter_of(row: dict, chapters: dict[str, str]) -> str:
    name = row["name"].removeprefix("MPI_").removesuffix("_c")
    found = next(title for title, names in chapters.items() if re.match(names, name, re.I))
    return REMOVED if row["note"].startswith("removed") else found


def functions_md(spec: Path, defined: set[str]) -> str:
    chapters = read_toml(spec / "chapters.toml")
    groups: dict[str, list[str]] = {title: [] for title in (*chapters, REMOVED)}
    for row in read_csv(spec / "abi" / "functions.csv"):
        groups[chapter_of(row, chapters)].append(row["name"])
    groups = dict(sorted(groups.items(), key=lambda g: int(re.search(r"§(\d+)", g[0])[1])))
    counts = {title: (len(defined & set(names)), len(names)) for title, names in groups.items()}
    have, total = (sum(c[i] for title, c in counts.items() if title != REMOVED) for i in (0, 1))
    text = ["# Functions", "",
            "Made by `mpi/gen/gen.py functions` from `mpi/spec`; a test checks that it is up to date.", "",
            f"{have} of the {total} functions of the standard's ABI exist, and {counts[REMOVED][0]} of the "
            f"{counts[REMOVED][1]} that MPI-3.0 removed, which are kept for old programs.", "",
            "| chapter of MPI-5.0 | exist | of |", "|---|---:|---:|",
            *(f"| {title} | {here} | {of} |" for title, (here, of) in counts.items()),
            f"| All but the removed ones | {have} | {total} |"]
    for title, names in groups.items():
        present = ", ".join(f"`{n}`" for n in names if n in defined)
        absent = ", ".join(n for n in names if n not in defined)
        text += ["", f"## {title}", "", *[present + "."] * bool(present), *[""] * bool(present and absent),
                 *[f"Not yet: {absent}."] * bool(absent)]
    return "\n".join(text) + "\n"
