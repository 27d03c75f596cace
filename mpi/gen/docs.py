"""The documentation's table of functions: which of the standard's exist."""

import csv
import re
import tomllib
from pathlib import Path

REMOVED = "Removed in MPI-3.0 (§17)"


def chapter_of(row: dict, chapters: dict[str, str]) -> str:
    if row["note"].startswith("removed"):
        return REMOVED
    name = row["name"].removeprefix("MPI_").removesuffix("_c")
    return next(title for title, names in chapters.items() if re.match(names, name, re.I))


def functions_md(spec: Path, defined: set[str]) -> str:
    with open(spec / "chapters.toml", "rb") as file:
        chapters = tomllib.load(file)
    groups: dict[str, list[str]] = {title: [] for title in (*chapters, REMOVED)}
    with open(spec / "abi" / "functions.csv", newline="") as file:
        for row in csv.DictReader(file):
            groups[chapter_of(row, chapters)].append(row["name"])
    groups = dict(sorted(groups.items(), key=lambda g: int(re.search(r"§(\d+)", g[0])[1])))
    total = sum(map(len, groups.values()))
    removed = len(groups[REMOVED])
    text = ["# Functions", "",
            "Made by `mpi/gen/gen.py functions` from `mpi/spec`; a test checks that it is up to "
            "date.", "",
            f"The standard's ABI has {total - removed} functions, and {removed} that MPI-3.0 "
            f"removed are kept for old programs. {len(defined)} of them exist.", "",
            "| chapter of MPI-5.0 | exist | of |", "|---|---:|---:|"]
    for title, names in groups.items():
        text.append(f"| {title} | {len(defined & set(names))} | {len(names)} |")
    for title, names in groups.items():
        text += ["", f"## {title}", ""]
        present = [f"`{n}`" for n in names if n in defined]
        absent = [n for n in names if n not in defined]
        if present:
            text.append(", ".join(present) + ".")
        if present and absent:
            text.append("")
        if absent:
            text.append("Not yet: " + ", ".join(absent) + ".")
    return "\n".join(text) + "\n"
