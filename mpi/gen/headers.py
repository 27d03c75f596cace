"""mpi.h's prototypes, the declarations of the bodies, and the names of constants."""

import csv
from pathlib import Path

from model import Function

def mpi_h(template: str, chapters: dict[str, list[Function]]) -> str:
    text = []
    for chapter, functions in chapters.items():
        text += ["", f"/* {chapter} */"]
        text += [f.prototype() + ";" for f in functions]
        text += [f.prototype("P") + ";" for f in functions]
    return template.replace("@PROTOTYPES@", "\n".join(text))


def bodies_hpp(template: str, chapters: dict[str, list[Function]]) -> str:
    text = []
    for chapter, functions in chapters.items():
        text.append(f"// {chapter}")
        for f in functions:
            if f.own_body and f.shell == "generated":
                returns = "Status" if f.returns == "int" else f.returns
                text.append(f"/// {f.about}.")
                text.append(f"{returns} {f.body}({', '.join(p.body for p in f.params)});")
        text.append("")
    return template.replace("@DECLARATIONS@\n", "\n".join(text))


def names_hpp(constants: Path) -> str:
    """Names for reports of errors: predefined handles and error classes."""
    tables: dict[str, list[str]] = {}
    with open(constants, newline="") as file:
        for row in csv.DictReader(file):
            name, kind = row["name"], row["type"]
            if kind in ("MPI_Comm", "MPI_Group", "MPI_Datatype", "MPI_Op", "MPI_Errhandler",
                        "MPI_Info", "MPI_Session"):
                table = kind.removeprefix("MPI_").lower()
            elif name == "MPI_SUCCESS" or name.startswith("MPI_ERR_"):
                table = "error_class"
            else:
                continue
            tables.setdefault(table, []).append(f'    {{{row["value"]}, "{name}"}},')
    text = ["// Made by mpi/gen/gen.py from mpi/spec/abi/constants.csv; not to be edited.",
            "#pragma once", "", "#include <cstdint>", "", "namespace mpi::names {", "",
            "struct Name {", "    std::uintptr_t value;", "    const char* name;", "};", ""]
    for table, entries in sorted(tables.items()):
        text += [f"inline constexpr Name {table}[] = {{", *entries, "};", ""]
    return "\n".join([*text, "}  // namespace mpi::names", ""])
