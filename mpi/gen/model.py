"""Reads the tables of mpi/spec: the functions, as the other modules see them."""

import csv
import tomllib
from dataclasses import dataclass
from pathlib import Path

from kinds import KINDS, Kind

CHAPTERS = ("pt2pt", "coll", "nbc", "comm", "group", "attr", "topo", "datatype", "env", "info", "session",
            "external", "lang")
BUFFER_FLAGS = {"at_root", "in_place", "in_place_at_root", "not_at_first", "own_part"}


def read_csv(path: Path) -> list[dict]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def read_toml(path: Path) -> dict:
    return tomllib.loads(path.read_text(encoding="utf-8"))


class SpecError(Exception):
    """A row that the generator does not understand."""


@dataclass(frozen=True)
class Param:
    name: str
    kind_name: str
    flag: str  # "", or one of BUFFER_FLAGS

    @property
    def kind(self) -> Kind:
        return KINDS[self.kind_name]

    def c(self, large: bool) -> str:
        return ((large and self.kind.large) or self.kind.c).format(n=self.name)

    @property
    def body(self) -> str:
        return self.kind.body.format(n=self.name)


@dataclass(frozen=True)
class Function:
    name: str
    about: str
    params: tuple[Param, ...]
    returns: str     # C type
    body: str        # the body's name in namespace mpi
    own_body: bool   # no other function has the same body
    shell: str       # "generated", or "manual": somebody writes it by hand
    when: str        # "running"; "any"; or "always", which is at any time, but with the lock
    proc_null: str   # what the shell does for MPI_PROC_NULL: "", "done" or "empty_status"

    @property
    def large(self) -> bool:
        """Is this the variant for large counts (MPI-5.0 §2.5.8)?"""
        return self.name.endswith("_c")

    def prototype(self, prefix: str = "") -> str:
        params = ", ".join(p.c(self.large) for p in self.params) or "void"
        return f"{self.returns} {prefix}{self.name}({params})"


def load_function(name: str, row: dict) -> Function:
    known = {"about", "params", "returns", "body", "shell", "when", "proc_null"}
    if unknown := set(row) - known:
        raise SpecError(f"{name}: unknown keys {sorted(unknown)}")
    params = []
    for entry in row["params"]:
        flag = entry[2] if len(entry) > 2 else ""
        if len(entry) not in (2, 3) or entry[1] not in KINDS or flag not in BUFFER_FLAGS | {""}:
            raise SpecError(f"{name}: bad parameter {entry}")
        params.append(Param(entry[0], entry[1], flag))
    choices = {"shell": ("generated", "manual"), "when": ("running", "any", "always"),
               "proc_null": ("", "done", "empty_status")}
    chosen = {key: row.get(key, values[0]) for key, values in choices.items()}
    for key, values in choices.items():
        if chosen[key] not in values:
            raise SpecError(f"{name}: {key} is {chosen[key]}, must be one of {values}")
    body = row.get("body", name.removeprefix("MPI_").lower())
    return Function(name, row["about"], tuple(params), row.get("returns", "int"), body,
                    "body" not in row, **chosen)


def resolve(row: dict, all_rows: dict[str, dict]) -> dict:
    """The row with the parameters of the row that it is like, if any, before its own."""
    if "like" not in row:
        return row
    if row["like"] not in all_rows:
        raise SpecError(f"like {row['like']}, which is no row before it")
    resolved = row | {"params": all_rows[row["like"]]["params"] + row["params"]}
    del resolved["like"]
    return resolved


def load(folder: Path) -> dict[str, list[Function]]:
    """All functions by chapter, in the order of the tables. After a function comes its variant for
    large counts, if the standard has one: a row of its own, or else the same row again."""
    standard = {row["name"] for row in read_csv(folder / "abi" / "functions.csv")}
    chapters = {}
    seen: dict[str, dict] = {}
    for chapter in CHAPTERS:
        rows = read_toml(folder / f"{chapter}.toml")
        functions = []
        if twice := seen.keys() & rows.keys():
            raise SpecError(f"{chapter}.toml: {sorted(twice)} stand in another table too")
        for name, given in rows.items():
            row = seen[name] = resolve(given, seen)
            functions.append(load_function(name, row))
            large = f"{name}_c"
            if large in standard and large not in rows:
                functions.append(load_function(large, {"body": functions[-1].body} | row))
        chapters[chapter] = functions
    return chapters
