"""The Fortran bindings: mpif.h, the modules, and the glue between the two languages."""

import csv
import re
import string
import textwrap
import tomllib
from pathlib import Path

from model import Function, Param, SpecError

# How compilers are told that an argument may have any type, kind and rank.
IGNORE_TKR = ("!GCC$ ATTRIBUTES NO_ARG_CHECK :: ", "!DEC$ ATTRIBUTES NO_ARG_CHECK :: ", "!DIR$ IGNORE_TKR ",
              "!$PRAGMA IGNORE_TKR ", "!IBM* IGNORE_TKR ")
HANDLES = ("Comm", "Datatype", "Errhandler", "File", "Group", "Info", "Message", "Op", "Request",
           "Session", "Win")


def load_tables(spec: Path) -> dict:
    with open(spec / "fortran.toml", "rb") as file:
        return tomllib.load(file)


class Argument:
    """A parameter as Fortran and the glue see it."""

    def __init__(self, form: dict, match: re.Match, function: Function, param: Param, tables: dict):
        group = match.group(1) if match.re.groups else ""
        self.c = param.name
        self.name = tables["names"].get(param.name, param.name)
        words = {"n": param.name, "group": group, "kind": tables["kinds"].get(group),
                 "first": function.params[0].name}
        self.text = {key: value.format_map(words) for key, value in form.items()
                     if isinstance(value, str)}
        self.hidden_length = form.get("text", False)
        self.glue = self.text.get("glue", f"Fint* {param.name}")
        self.arg = self.text.get("arg", param.name)

    def choice(self, dialect: str) -> bool:
        return self.text.get("choice") in (dialect, "both")

    def declaration(self, dialect: str) -> list[str]:
        text = self.text.get(dialect, self.text["mpi"])
        if not self.choice(dialect):
            return [f"{text} :: {self.name}"]
        return [*(ignore + self.name for ignore in IGNORE_TKR),
                f"type(*), dimension(*){text} :: {self.name}"]


class Procedure:
    """A function as Fortran and the glue see it."""

    def __init__(self, function: Function, tables: dict):
        self.f = function
        self.manual = re.fullmatch(tables["manual"], function.name, re.X)
        self.old = re.fullmatch(tables["old"], function.name, re.X)
        self.result = tables["returns"].get(function.returns)
        found = [self.argument(p, tables) for p in function.params]
        self.c_args = [a.arg for a in found if a.arg]
        self.args = [a for a in found if "mpi" in a.text]
        self.cptr = not self.f.large and any("cptr" in a.text for a in found)
        self.others = ["f08"] * (not self.f.large and not self.old) + ["cptr"] * self.cptr

    def argument(self, param: Param, tables: dict) -> Argument:
        c = param.c(self.f.large)
        for form in tables["form"].values():
            for pattern in form["c"]:
                for text in (c, f"{self.f.name} {c}"):
                    if match := re.fullmatch(pattern, text):
                        return Argument(form, match, self.f, param, tables)
        raise SpecError(f"fortran.toml: {self.f.name}: nothing says how '{c}' looks in Fortran")

    def glue(self) -> str:
        """The symbols mpi_x_, which calls MPI_X, and pmpi_x_, which calls PMPI_X."""
        if self.manual:
            return ""
        name, text = self.f.name, []
        for p in ("", "P"):
            symbol = f"{p}{name}".lower() + ("_f08_" if self.f.large else "_")
            call = f"{p}{name}({', '.join(self.c_args)})"
            params = [a.glue for a in self.args]
            if self.result:
                text.append(f"FORTRAN {self.f.returns} {symbol}({', '.join(params)}) {{ return {call}; }}")
            else:
                params += ["Fint* ierror"]
                params += [f"std::size_t {a.c}_length" for a in self.args if a.hidden_length]
                body = [*(a.text[key] for a in self.args for key in ("local",) if key in a.text),
                        f"const int outcome = {call};",
                        *(a.text["after"] for a in self.args if "after" in a.text),
                        "finish(ierror, outcome);"]
                text += [f"FORTRAN void {symbol}({', '.join(params)}) {{",
                         *("    " + line for line in body), "}"]
                for other in self.others:
                    text.append(f'ALIAS void {symbol[:-1]}_{other}_({", ".join(params)}) __attribute__('
                                f'(alias("{symbol}")));')
        return "\n".join(text) + "\n"

    def interface(self, prefix: str, dialect: str) -> list[str]:
        name = prefix + self.f.name + (f"_{dialect}" if dialect != "mpi" and not self.result else "")
        names = [a.name for a in self.args]
        declarations = [line for a in self.args for line in a.declaration(dialect)]
        kind, opening = "subroutine", "subroutine"
        if self.result:
            kind, opening = "function", f"{self.result} function"
        else:
            names.append("ierror")
            optional = ", optional" if dialect == "f08" else ""
            declarations.append(f"integer{optional}, intent(out) :: ierror")
        head = textwrap.wrap(f"{opening} {name}({', '.join(names)})", 96)
        return [*(line + " &" for line in head[:-1]), head[-1], "    import",
                *("    " + line for line in declarations), f"end {kind}"]

    def signature(self) -> list[str]:
        """What tells this procedure from another of the same generic name; the kinds for addresses and
        counts are the same number."""
        return [re.sub("ADDRESS|OFFSET", "COUNT", a.text["f08"]) for a in self.args
                if not a.choice("f08") and "procedure" not in a.text["f08"]]


def f08_interfaces(procedures: list[Procedure]) -> list[str]:
    """A variant for large counts has the same generic name, where the arguments tell the two apart."""
    lines, generic = [], {}
    for p in procedures:
        name = p.f.name.removesuffix("_c")
        if p.f.large and name in generic and p.signature() != generic[name][0].signature():
            generic[name].append(p)
        elif not p.old:
            generic[p.f.name] = [p]
    for prefix in ("", "P"):
        for name, specific in generic.items():
            lines.append("interface" if specific[0].result else f"interface {prefix}{name}")
            for p in specific:
                lines += p.interface(prefix, "f08")
            lines.append("end interface")
    return lines


def mpi_interfaces(procedures: list[Procedure]) -> list[str]:
    lines = []
    for p in procedures:
        for prefix in ("", "P") * (not p.f.large):
            lines += [f"interface {prefix}{p.f.name}" if p.cptr else "interface", *p.interface(prefix, "mpi"),
                      *(p.interface(prefix, "cptr") if p.cptr else []), "end interface"]
    return lines


def mpif_interfaces(procedures: list[Procedure]) -> list[str]:
    """Those with choice buffers become generic, with one specific procedure that takes any arguments; in
    this way a program may also define a procedure of the name itself. All in lines of 72 columns."""
    def shape(name: str, args: str, texts: str, binding: str) -> list[str]:
        free = ",".join(a for a in args if a not in texts)
        return [f"subroutine {name}({','.join(args)}){binding}", "use, intrinsic :: iso_c_binding, only: C_INT",
                f"integer(C_INT), dimension(*) :: {free}", *(f"character(len=*) {a}" for a in texts),
                *(ignore + free for ignore in IGNORE_TKR), "end subroutine"]

    lines, shapes = [], {0: shape("MPI_A0", "a", "", " bind(C)")}
    for number, p in enumerate(procedures):
        count = len(p.args)
        args = string.ascii_lowercase[:count + 1]
        texts = "".join(name for name, a in zip(args, p.args) if a.hidden_length)
        line = f"procedure(MPI_A{count}),bind(C,name='{p.f.name.lower()}_')::MPI_{number}"
        if p.f.large or not any(a.choice("mpi") for a in p.args) or len(line) > 66:
            continue
        if texts:
            lines += ["interface", *shape(p.f.name, args, texts, ""), "end interface"]
            continue
        shapes[count] = shape(f"MPI_A{count}", args, "", " bind(C)")
        lines += [line, f"interface {p.f.name}", f"procedure MPI_{number}", "end interface"]
    lines = ["abstract interface", *sum((shapes[n] for n in sorted(shapes)), []), "end interface",
             *lines]
    return [line if line[0] == "!" else "      " + line for line in lines]


def constants(path: Path, dialect: str) -> list[str]:
    lines, values = [], {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            name, kind, value = row["name"], row["type"], row["value"]
            handle = kind.removeprefix("MPI_")
            if kind == "alias":
                lines.append(values[value].replace(value, name))
                continue
            if name.startswith(("MPI_T_", "MPI_F_")) or kind.endswith("*"):
                continue
            number = int(value, 0) - bool(re.match("MPI_MAX_", name))  # no null at the end of strings
            if handle not in HANDLES:
                fortran = f"integer{'(MPI_OFFSET_KIND)' * (handle == 'Offset')}"
            elif dialect == "f08":
                fortran, number = f"type({kind})", f"{kind}({number})"
            else:
                fortran = "integer"
            values[name] = f"{fortran}, parameter :: {name}={number}"
            lines.append(values[name])
    return lines


def write(folder: Path, mpi: Path, chapters: dict[str, list[Function]]) -> None:
    """Fills the templates of mpi/fortran."""
    tables = load_tables(mpi / "spec")
    procedures = [Procedure(f, tables) for its in chapters.values() for f in its
                  if not re.fullmatch(tables["absent"], f.name, re.X)]
    csv_path = mpi / "spec" / "abi" / "constants.csv"
    made = {"GLUE": [p.glue() for p in procedures], "MPIF": mpif_interfaces(procedures),
            "MPI": mpi_interfaces(procedures), "F08": f08_interfaces(procedures),
            "CONSTANTS": ["      " + line for line in constants(csv_path, "mpi")],
            "CONSTANTS_F08": constants(csv_path, "f08")}
    for template in sorted((mpi / "fortran").glob("*.in")):
        text = re.sub(r"^@(\w+)@$", lambda m: "\n".join(made[m[1]]),
                      template.read_text(encoding="utf-8"), flags=re.M)
        (folder / template.stem).write_text(text, encoding="utf-8")
