#!/usr/bin/env python3
"""Makes, from the tables in mpi/spec: mpi.h, the declarations of the bodies, the C shells, and the
documentation's table of functions.

    gen.py header OUT          mpi.h
    gen.py bodies OUT          bodies.hpp
    gen.py names OUT           names.hpp
    gen.py shells FOLDER       shells_<chapter>.cpp
    gen.py functions OUT       functions.md
    gen.py shell NAME          one shell, on standard output
"""

import sys
from pathlib import Path

import headers
import shells
from model import load

MPI = Path(__file__).resolve().parent.parent
SPEC = MPI / "spec"


def write(path: str | Path, text: str) -> None:
    Path(path).write_text(text, encoding="utf-8")


def main(command: str, where: str) -> None:
    chapters = load(SPEC)
    if command == "header":
        template = (MPI / "include" / "mpi.h.in").read_text(encoding="utf-8")
        write(where, headers.mpi_h(template, chapters))
    elif command == "bodies":
        write(where, headers.bodies_hpp(chapters))
    elif command == "names":
        write(where, headers.names_hpp(SPEC / "abi" / "constants.csv"))
    elif command == "shells":
        for chapter, functions in chapters.items():
            write(Path(where) / f"shells_{chapter}.cpp", shells.chapter_text(chapter, functions))
    elif command == "shell":
        function = next(f for fs in chapters.values() for f in fs if f.name == where)
        print(shells.Shell(function).text(), end="")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
