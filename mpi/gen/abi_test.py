#!/usr/bin/env python3
"""Compares mpi.h, and what the library exports, with the tables of the standard's ABI.

    abi_test.py header MPI_H CC CXX    constants, types, prototypes; every dialect of C and C++
    abi_test.py exports LIBRARY NM     the library defines what mpi.h declares, and nothing else
    abi_test.py fortran LIBRARY NM     the Fortran library defines each procedure under all its names

The header is compared by the compiler: a program states, for each row of the tables, what the row
says. Nothing may be declared that the tables do not have.
"""

import csv
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import fortran
from model import load

SPEC = Path(__file__).resolve().parent.parent / "spec"
# What a C program needs for Fortran, which the ABI leaves to each library.
FORTRAN_TYPES = {"MPI_Fint", "MPI_F08_status"}
FORTRAN_VARIABLES = {f"MPI_{f}_{s}_IGNORE" for f in ("F", "F08") for s in ("STATUS", "STATUSES")}
FLAGS = ["-pedantic-errors", "-Wall", "-Wextra", "-Werror"]


def rows(table: str) -> list[dict]:
    with open(SPEC / "abi" / f"{table}.csv", newline="") as file:
        return list(csv.DictReader(file))


def expected_constants() -> list[dict]:
    """All but the tools interface's and those of types of functions that are not declared."""
    return [r for r in rows("constants")
            if not r["name"].startswith("MPI_T_") and not r["type"].startswith("MPI_Datarep_")]


def defined_functions() -> set[str]:
    return {f.name for functions in load(SPEC).values() for f in functions}


def fail(*problems: str) -> None:
    sys.exit("\n".join(["FAILED:", *problems]))


def check_names(text: str) -> None:
    """What mpi.h declares is exactly what it should."""
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    macros = set(re.findall(r"^#define (MPI_\w+) ", code, re.M))
    prototypes = re.findall(r"^\w+ (P?MPI_\w+)\(", code, re.M)
    types = set(re.findall(r"^typedef .*?\W(MPI_\w+);", code, re.M)) | set(
        re.findall(r"^typedef (?:void|int) (MPI_\w+)\(", code, re.M)) | set(
        re.findall(r"^} (MPI_\w+);", code, re.M))
    functions = defined_functions()
    for what, declared, wanted in (
            ("constants", macros, {r["name"] for r in expected_constants()}),
            ("functions", set(prototypes), functions | {"P" + f for f in functions})):
        if declared != wanted:
            fail(f"{what} missing: {sorted(wanted - declared)}",
                 f"{what} not in the tables: {sorted(declared - wanted)}")
    if missing := {r["name"] for r in rows("types")} - types:
        fail(f"types missing: {sorted(missing)}")
    if unknown := types - FORTRAN_TYPES - {
            r["name"] for r in rows("types") + rows("callbacks")}:
        fail(f"types not in the tables: {sorted(unknown)}")


def check_program(text: str) -> str:
    """A C program that holds what the tables say against what mpi.h says."""
    lines = ["#include <mpi.h>", "#include <stddef.h>", "#include <stdio.h>",
             "static int bad;",
             "static void same(const char *name, long long is, long long should) {",
             '    if (is != should) { bad = 1; printf("%s is %lld, not %lld\\n", name, is, should); }',
             "}",
             "#define TYPE(x, T) _Static_assert(_Generic((x), T: 1, default: 0), #x)"]
    body = []
    for row in expected_constants():
        name, kind, value = row["name"], row["type"], row["value"]
        if kind == "alias":
            body.append(f'same("{name}", (intptr_t){name}, (intptr_t){value});')
            continue
        body.append(f'same("{name}", (long long)(intptr_t){name}, {value});')
        lines.append(f"TYPE({name}, {kind});")
    for row in rows("types"):
        name, definition = row["name"], row["definition"]
        if definition.startswith("struct of"):
            fields = definition.split(": ", 1)[1]
            lines += [f"struct expected {{ {fields}; }};",
                      f'_Static_assert(sizeof({name}) == sizeof(struct expected), "{name}");',
                      f'_Static_assert(sizeof({name}) == 32 && _Alignof({name}) == 4, "{name}");']
            for field in ("MPI_SOURCE", "MPI_TAG", "MPI_ERROR", "MPI_internal"):
                lines.append(f"_Static_assert(offsetof({name}, {field}) == "
                             f'offsetof(struct expected, {field}), "{name}.{field}");')
        else:
            lines.append(f"TYPE(({name})0, {definition});")
    for row in rows("callbacks"):
        if re.search(rf"\b{row['name']}\(", text):
            lines.append(f"TYPE(({row['name']} *)0, {row['returns']} (*)({row['parameters']}));")
    functions = defined_functions()
    found = [r for r in rows("functions") if r["name"] in functions]
    if len(found) != len(functions):
        fail(f"not in functions.csv: {sorted(functions - {r['name'] for r in found})}")
    for row in found:
        for name in (row["name"], "P" + row["name"]):
            lines.append(f"TYPE(&{name}, {row['returns']} (*)({row['parameters']}));")
    return "\n".join([*lines, "int main(void) {", *body, "return bad;", "}", ""])


def compile_and_run(command: list[str], source: str, text: str, run: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / source
        path.write_text(text, encoding="utf-8")
        program = str(Path(folder) / "program")
        how = ["-o", program] if run else ["-fsyntax-only"]
        subprocess.run([*command, *FLAGS, str(path), *how], check=True)
        if run:
            subprocess.run([program], check=True)


def check_header(header: str, cc: str, cxx: str) -> None:
    path = Path(header)
    text = path.read_text(encoding="utf-8")
    check_names(text)
    include = f"-I{path.parent}"
    # Prototypes are compared as types only, so the program needs no library: nothing is called.
    program = check_program(text)
    compile_and_run([*cc.split(), "-std=c11", include], "check.c", program, run=True)
    user = ("#include <mpi.h>\nint f(MPI_Status *s);\nint f(MPI_Status *s) "
            "{ return MPI_Recv(MPI_BOTTOM, 0, MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG,"
            " MPI_COMM_WORLD, s) == MPI_SUCCESS && s->MPI_SOURCE == MPI_PROC_NULL; }\n")
    for standard in ("c99", "c11", "c17"):
        compile_and_run([*cc.split(), f"-std={standard}", include], "user.c", user, run=False)
    for standard in ("c++98", "c++11", "c++14", "c++17", "c++20"):
        compile_and_run([*cxx.split(), f"-std={standard}", include], "user.cpp", user, run=False)


def exported_by(library: str, nm: str) -> set[str]:
    out = subprocess.run([nm, "-D", "--defined-only", library], check=True, capture_output=True,
                         text=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines()}


def check_fortran(library: str, nm: str) -> None:
    wanted = set()
    for p in fortran.procedures_of(load(SPEC), fortran.load_tables(SPEC)):
        for name in (p.f.name.lower(), "p" + p.f.name.lower()):
            names = [name] * (not p.f.large) + [f"{name}_{o}" for o in p.others if not p.result]
            wanted |= {n + "_" for n in names + [f"{name}_f08"] * p.f.large}
    if missing := wanted - exported_by(library, nm):
        fail(f"not exported: {sorted(missing)}")


def check_exports(library: str, nm: str) -> None:
    exported = exported_by(library, nm)
    functions = defined_functions()
    wanted = functions | {"P" + f for f in functions} | FORTRAN_VARIABLES
    if exported != wanted:
        fail(f"not exported: {sorted(wanted - exported)}",
             f"exported, but not declared: {sorted(exported - wanted)}")


if __name__ == "__main__":
    if len(sys.argv) == 5 and sys.argv[1] == "header":
        check_header(*sys.argv[2:])
    elif len(sys.argv) == 4 and sys.argv[1] == "exports":
        check_exports(*sys.argv[2:])
    elif len(sys.argv) == 4 and sys.argv[1] == "fortran":
        check_fortran(*sys.argv[2:])
    else:
        sys.exit(__doc__)
