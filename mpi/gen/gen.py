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

GEN = Path(__file__).resolve().parent
MPI = GEN.parent
SPEC = MPI / "spec"


def main(command: str, where: str) -> None:
    out, chapters = Path(where), load(SPEC)
    functions = {f.name: f for fs in chapters.values() for f in fs}
    texts = {"header": lambda: headers.mpi_h(MPI / "include" / "mpi.h.in", chapters),
             "bodies": lambda: headers.bodies_hpp(GEN / "bodies.hpp.in", chapters),
             "names": lambda: headers.names_hpp(GEN / "names.hpp.in", SPEC / "abi" / "constants.csv",
                                                 SPEC / "extensions.csv"),
             "functions": lambda: docs.functions_md(SPEC, set(functions))}
    if command in texts:
        out.write_text(texts[command](), encoding="utf-8")
    elif command == "shells":
        template = GEN / "shells.cpp.in"
        for chapter, its in chapters.items():
            (out / f"shells_{chapter}.cpp").write_text(shells.chapter_text(template, chapter, its))
    elif command == "fortran":
        fortran.write(out, MPI, chapters)
    elif command == "shell":
        print(shells.Shell(functions[where]).text(), end="")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) == 3 else sys.exit(__doc__)
