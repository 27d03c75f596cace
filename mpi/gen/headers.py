"""mpi.h's prototypes, the declarations of the bodies, and the names of constants."""

from pathlib import Path

from model import Function, read_csv

NAMED = ("Comm", "Group", "Datatype", "Op", "Errhandler", "Info", "Session")


def mpi_h(template: Path, chapters: dict[str, list[Function]]) -> str:
    text = []
    for chapter, functions in chapters.items():
        text += ["", f"/* {chapter} */", *(f"{f.prototype(p)};" for p in ("", "P") for f in functions)]
    return template.read_text(encoding="utf-8").replace("@PROTOTYPES@", "\n".join(text))


def bodies_hpp(template: Path, chapters: dict[str, list[Function]]) -> str:
    text = []
    for chapter, functions in chapters.items():
        text.append(f"// {chapter}")
        for f in (f for f in functions if f.own_body and f.shell == "generated"):
            returns = "Status" if f.returns == "int" else f.returns
            text += [f"/// {f.about}.", f"{returns} {f.body}({', '.join(p.body for p in f.params)});"]
        text.append("")
    return template.read_text(encoding="utf-8").replace("@DECLARATIONS@\n", "\n".join(text))


def names_hpp(template: Path, *constants: Path) -> str:
    """Names for reports of errors: predefined handles and error classes."""
    tables: dict[str, list[str]] = {}
    for row in (row for file in constants for row in read_csv(file)):
        name, handle = row["name"], row["type"].removeprefix("MPI_")
        table = handle.lower() if handle in NAMED else "error_class"
        if handle in NAMED or name == "MPI_SUCCESS" or name.startswith(("MPI_ERR_", "MPIX_ERR_")):
            tables.setdefault(table, []).append(f'    {{{row["value"]}, "{name}"}},')
    text = []
    for table, entries in sorted(tables.items()):
        text += [f"inline constexpr Name {table}[] = {{", *entries, "};", ""]
    return template.read_text(encoding="utf-8").replace("@TABLES@\n", "\n".join(text))
