#!/usr/bin/env python3
"""Makes, from the tables in mpi/spec: mpi.h, the declarations of the bodies, the C shells, the Fortran
bindings, and the documentation's table of functions.

    gen.py header OUT          mpi.h
    gen.py bodies OUT          bodies.hpp
    gen.py names OUT           names.hpp
    gen.py shells FOLDER       shells_<chapter>.cpp
    gen.py functions OUT       functions.md
    gen.py fortran FOLDER      mpif.h, the modules and the glue of Fortran
    gen.py shell NAME          one shell, on standard output
"""

import sys
from pathlib import Path

import docs
import fortran
import headers
import shells
from model import load

MPI = Path(__file__).resolve().parent.parent
SPEC = MPI / "spec"


def main(command: str, where: str) -> None:
    chapters = load(SPEC)
    functions = {f.name: f for fs in chapters.values() for f in fs}
    if command == "header":
        template = (MPI / "include" / "mpi.h.in").read_text(encoding="utf-8")
        Path(where).write_text(headers.mpi_h(template, chapters))
    elif command == "bodies":
        template = (MPI / "gen" / "bodies.hpp.in").read_text(encoding="utf-8")
        Path(where).write_text(headers.bodies_hpp(template, chapters))
    elif command == "names":
        Path(where).write_text(headers.names_hpp(SPEC / "abi" / "constants.csv"))
    elif command == "shells":
        for chapter, its in chapters.items():
            (Path(where) / f"shells_{chapter}.cpp").write_text(shells.chapter_text(chapter, its))
    elif command == "functions":
        Path(where).write_text(docs.functions_md(SPEC, set(functions)))
    elif command == "fortran":
        fortran.write(Path(where), MPI, chapters)
    elif command == "shell":
        print(shells.Shell(functions[where]).text(), end="")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
