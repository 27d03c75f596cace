"""Reads the tables of mpi/spec: the functions, as the other modules see them."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from kinds import KINDS, Kind

CHAPTERS = ("pt2pt", "coll", "nbc", "comm", "group", "attr", "topo", "datatype", "env", "info", "session",
            "external", "lang")
BUFFER_FLAGS = {"at_root", "in_place", "in_place_at_root", "own_part"}


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
        text = self.kind.large if large and self.kind.large else self.kind.c
        return text.format(n=self.name)

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
    when: str        # "running": between MPI_Init and MPI_Finalize only; or "any"
    proc_null: str   # what the shell does for MPI_PROC_NULL: "", "done" or "empty_status"

    def prototype(self, prefix: str = "", large: bool = False) -> str:
        params = ", ".join(p.c(large) for p in self.params) or "void"
        suffix = "_c" if large else ""
        return f"{self.returns} {prefix}{self.name}{suffix}({params})"


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
    choices = {"shell": ("generated", "manual"), "when": ("running", "any"),
               "proc_null": ("", "done", "empty_status")}
    chosen = {key: row.get(key, values[0]) for key, values in choices.items()}
    for key, values in choices.items():
        if chosen[key] not in values:
            raise SpecError(f"{name}: {key} is {chosen[key]}, must be one of {values}")
    body = row.get("body", name.removeprefix("MPI_").lower())
    return Function(name, row["about"], tuple(params), row.get("returns", "int"), body,
                    "body" not in row, **chosen)


def load(folder: Path) -> dict[str, list[Function]]:
    """All functions by chapter, in the order of the tables."""
    chapters = {}
    seen: set[str] = set()
    for chapter in CHAPTERS:
        with open(folder / f"{chapter}.toml", "rb") as file:
            rows = tomllib.load(file)
        chapters[chapter] = [load_function(name, row) for name, row in rows.items()]
        if twice := seen & set(rows):
            raise SpecError(f"{chapter}.toml: {sorted(twice)} stand in another table too")
        seen |= set(rows)
    return chapters
