"""mpi.h's prototypes, the declarations of the bodies, and the names of constants."""

import csv
from pathlib import Path

from model import Function

BODIES_HEAD = """// Made by mpi/gen/gen.py from mpi/spec; not to be edited.
//
// What the MPI functions do: one body for each, in namespace mpi. The generated shells decode and
// check the arguments (mpi/core/check.hpp) and call these; a body may trust that
//   - counts and lengths are not negative, ranks, roots and tags in range, arrays there, handles
//     live, datatypes that communicate committed, operations defined on the datatype;
//   - a handle to be freed is not a constant (except error handlers and MPI_GROUP_EMPTY); the shell
//     sets it to null when the body succeeds;
//   - objects that come out (T*&) start as null; the shell encodes them, null as the null handle;
//   - MPI_IN_PLACE comes only where the standard allows it. Arguments that are not significant on
//     this process (root only; the send side with MPI_IN_PLACE) were not looked at: counts are 0,
//     arrays null, and the datatype is that of the other side;
//   - statuses may be null (MPI_STATUS_IGNORE, MPI_STATUSES_IGNORE);
//   - the lock is held. Requests given by handle are the bodies' own to decode.
#pragma once

#include <mpi.h>

#include "mpi/core/comm.hpp"
#include "mpi/core/datatype.hpp"
#include "mpi/core/errhandler.hpp"
#include "mpi/core/error.hpp"
#include "mpi/core/group.hpp"
#include "mpi/core/int_array.hpp"
#include "mpi/core/op.hpp"

namespace mpi {

struct Request;
"""


def mpi_h(template: str, chapters: dict[str, list[Function]]) -> str:
    titles = {"pt2pt": "Point-to-point communication", "coll": "Collective communication",
              "comm": "Communicators", "group": "Groups", "datatype": "Datatypes",
              "env": "Environment"}
    text = []
    for chapter, functions in chapters.items():
        text += ["", f"/* {titles[chapter]} */"]
        text += [f.prototype() + ";" for f in functions]
        text += [f.prototype("P") + ";" for f in functions]
    return template.replace("@PROTOTYPES@", "\n".join(text))


def bodies_hpp(chapters: dict[str, list[Function]]) -> str:
    text = [BODIES_HEAD]
    for chapter, functions in chapters.items():
        text.append(f"// {chapter}")
        for f in functions:
            if f.own_body:
                returns = "Status" if f.returns == "int" else f.returns
                text.append(f"/// {f.about}.")
                text.append(f"{returns} {f.body}({', '.join(p.body for p in f.params)});")
        text.append("")
    return "\n".join(text) + "\n}  // namespace mpi\n"


def names_hpp(constants: Path) -> str:
    """Names for reports of errors: predefined handles and error classes."""
    tables: dict[str, list[str]] = {}
    with open(constants, newline="") as file:
        for row in csv.DictReader(file):
            name, kind = row["name"], row["type"]
            if kind in ("MPI_Comm", "MPI_Group", "MPI_Datatype", "MPI_Op", "MPI_Errhandler"):
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
