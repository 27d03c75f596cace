"""The Fortran bindings: mpif.h, the modules, and the glue between the two languages."""

import csv
import re
import string
import textwrap
import tomllib
from pathlib import Path

from model import Function, Param, SpecError

# How compilers are told that arguments may have any type, kind and rank.
ANY = [f"{how} {{}}" for how in ("!GCC$ ATTRIBUTES NO_ARG_CHECK ::", "!DEC$ ATTRIBUTES NO_ARG_CHECK ::",
                                 "!DIR$ IGNORE_TKR", "!$PRAGMA IGNORE_TKR", "!IBM* IGNORE_TKR")]


def load_tables(spec: Path) -> dict:
    with open(spec / "fortran.toml", "rb") as file:
        return tomllib.load(file)


class Argument:
    """A parameter as Fortran and the glue see it."""

    def __init__(self, form: dict, group: str, function: Function, param: Param, tables: dict):
        self.name = tables["names"].get(param.name, param.name)
        words = {"n": param.name, "group": group, "kind": tables["kinds"].get(group),
                 "first": function.params[0].name}
        self.text = {"glue": f"Fint* {param.name}", "arg": param.name, "choice": ""} | {
            key: value.format_map(words) for key, value in form.items() if isinstance(value, str)}
        self.hidden = f"std::size_t {param.name}_length" if form.get("text") else ""

    def choice(self, dialect: str) -> bool:
        return self.text["choice"] in (dialect, "both")

    def declaration(self, dialect: str) -> list[str]:
        text = self.text.get(dialect, self.text["mpi"])
        if self.choice(dialect):
            return [*(a.format(self.name) for a in ANY), f"type(*), dimension(*){text} :: {self.name}"]
        return [f"{text} :: {self.name}"]


class Procedure:
    """A function as Fortran and the glue see it."""

    def __init__(self, function: Function, tables: dict):
        self.f = function
        self.manual, self.old = (re.fullmatch(tables[k], function.name, re.X) for k in ("manual", "old"))
        self.result = tables["returns"].get(function.returns)
        found = [self.argument(p, tables) for p in function.params]
        self.c_args = [a.text["arg"] for a in found if a.text["arg"]]
        self.args = [a for a in found if "mpi" in a.text]
        self.cptr = not self.f.large and any("cptr" in a.text for a in found)
        self.others = ["f08"] * (not self.f.large and not self.old) + ["cptr"] * self.cptr

    def argument(self, param: Param, tables: dict) -> Argument:
        c = param.c(self.f.large)
        for form in tables["form"].values():
            for pattern in form["c"]:
                if match := re.fullmatch(pattern, c) or re.fullmatch(pattern, f"{self.f.name} {c}"):
                    return Argument(form, match[1] if match.re.groups else "", self.f, param, tables)
        raise SpecError(f"fortran.toml: {self.f.name}: nothing says how '{c}' looks in Fortran")

    def glue(self) -> str:
        """The symbols mpi_x_, which calls MPI_X, and pmpi_x_, which calls PMPI_X."""
        text = []
        for name in (self.f.name, f"P{self.f.name}") * (not self.manual):
            symbol = name.lower() + "_f08" * self.f.large
            call = f"{name}({', '.join(self.c_args)})"
            params = [a.text["glue"] for a in self.args]
            if self.result:
                text.append(f"FORTRAN {self.f.returns} {symbol}_({', '.join(params)}) {{ return {call}; }}")
                continue
            params = ", ".join([*params, "Fint* ierror", *(a.hidden for a in self.args if a.hidden)])
            text += [f"FORTRAN void {symbol}_({params}) {{",
                     *("    " + a.text["local"] for a in self.args if "local" in a.text),
                     f"    const int outcome = {call};",
                     *("    " + a.text["after"] for a in self.args if "after" in a.text),
                     "    finish(ierror, outcome);", "}"]
            text += [f'ALIAS void {symbol}_{other}_({params}) __attribute__((alias("{symbol}_")));'
                     for other in self.others]
        return "\n".join(text) + "\n"

    def interface(self, prefix: str, dialect: str) -> list[str]:
        name = prefix + self.f.name + (f"_{dialect}" if dialect != "mpi" and not self.result else "")
        names = [a.name for a in self.args]
        lines = [line for a in self.args for line in a.declaration(dialect)]
        kind = "function" if self.result else "subroutine"
        if not self.result:
            names.append("ierror")
            lines.append(f"integer{', optional' * (dialect == 'f08')}, intent(out) :: ierror")
        head = textwrap.wrap(f"{self.result or ''} {kind} {name}({', '.join(names)})".strip(), 96)
        return [" &\n".join(head), "    import", *("    " + line for line in lines), f"end {kind}"]

    def signature(self) -> list[str]:
        """What tells this procedure from another of the same generic name; the kinds for addresses and
        counts are the same number."""
        return [re.sub("ADDRESS|OFFSET", "COUNT", a.text["f08"]) for a in self.args
                if not a.choice("f08") and "procedure" not in a.text["f08"]]


def f08_interfaces(procedures: list[Procedure]) -> list[str]:
    """A variant for large counts has the same generic name, where the arguments tell the two apart."""
    generic: dict[str, list[Procedure]] = {}
    for p in procedures:
        name = p.f.name.removesuffix("_c")
        if p.f.large and name in generic and p.signature() != generic[name][0].signature():
            generic[name].append(p)
        elif not p.old:
            generic[p.f.name] = [p]
    return [line for prefix in ("", "P") for name, specific in generic.items() for line in (
        "interface" if specific[0].result else f"interface {prefix}{name}",
        *(line for p in specific for line in p.interface(prefix, "f08")), "end interface")]


def mpi_interfaces(procedures: list[Procedure]) -> list[str]:
    return [line for p in procedures for prefix in ("", "P") * (not p.f.large) for line in (
        f"interface {prefix}{p.f.name}" if p.cptr else "interface", *p.interface(prefix, "mpi"),
        *(p.interface(prefix, "cptr") if p.cptr else []), "end interface")]


def mpif_interfaces(procedures: list[Procedure]) -> list[str]:
    """Those with choice buffers become generic, with one specific procedure that takes any arguments; in
    this way a program may also define a procedure of the name itself. All in lines of 72 columns, for
    which a few names are too long: they have an ordinary interface."""
    def shape(name: str, args: str, texts: str, binding: str) -> list[str]:
        free = ",".join(a for a in args if a not in texts)
        return [f"subroutine {name}({','.join(args)}){binding}", "use, intrinsic :: iso_c_binding, only: C_INT",
                f"integer(C_INT), dimension(*) :: {free}", *(f"character(len=*) {a}" for a in texts),
                *(a.format(free) for a in ANY), "end subroutine"]

    lines, shapes = [], {0: shape("MPI_A0", "a", "", " bind(C)")}
    for number, p in enumerate(procedures):
        count = len(p.args)
        args = string.ascii_lowercase[:count + 1]
        texts = "".join(name for name, a in zip(args, p.args) if a.hidden)
        line = f"procedure(MPI_A{count}),bind(C,name='{p.f.name.lower()}_')::MPI_{number}"
        if p.f.large or not any(a.choice("mpi") for a in p.args):
            continue
        if texts or len(line) > 66:
            lines += ["interface", *shape(p.f.name, args, texts, ""), "end interface"]
        else:
            shapes[count] = shape(f"MPI_A{count}", args, "", " bind(C)")
            lines += [line, f"interface {p.f.name}", f"procedure MPI_{number}", "end interface"]
    lines = ["abstract interface", *sum((shapes[n] for n in sorted(shapes)), []), "end interface", *lines]
    return [line if line[0] == "!" else "      " + line for line in lines]


def constants(path: Path, dialect: str) -> list[str]:
    lines: dict[str, str] = {}
    with open(path, newline="") as file:
        for name, kind, value in ((row["name"], row["type"], row["value"]) for row in csv.DictReader(file)):
            if kind == "alias":
                lines[name] = lines[value].replace(value, name)
            elif not name.startswith(("MPI_T_", "MPI_F_")) and not kind.endswith("*"):
                number = int(value, 0) - name.startswith("MPI_MAX_")  # no null at the end of strings
                fortran = "integer(MPI_OFFSET_KIND)" if kind == "MPI_Offset" else "integer"
                if dialect == "f08" and kind not in ("int", "MPI_Offset"):
                    fortran, number = f"type({kind})", f"{kind}({number})"
                lines[name] = f"{fortran}, parameter :: {name}={number}"
    return list(lines.values())


def procedures_of(chapters: dict[str, list[Function]], tables: dict) -> list[Procedure]:
    return [Procedure(f, tables) for its in chapters.values() for f in its
            if not re.fullmatch(tables["absent"], f.name, re.X)]


def write(folder: Path, mpi: Path, chapters: dict[str, list[Function]]) -> None:
    """Fills the templates of mpi/fortran."""
    procedures = procedures_of(chapters, load_tables(mpi / "spec"))
    table = mpi / "spec" / "abi" / "constants.csv"
    made = {"GLUE": [p.glue() for p in procedures], "MPIF": mpif_interfaces(procedures),
            "MPI": mpi_interfaces(procedures), "F08": f08_interfaces(procedures),
            "CONSTANTS": ["      " + line for line in constants(table, "mpi")],
            "CONSTANTS_F08": constants(table, "f08")}
    for template in sorted((mpi / "fortran").glob("*.in")):
        text = re.sub(r"^@(\w+)@$", lambda m: "\n".join(made[m[1]]),
                      template.read_text(encoding="utf-8"), flags=re.M)
        (folder / template.stem).write_text(text, encoding="utf-8")
