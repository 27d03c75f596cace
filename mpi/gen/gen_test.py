#!/usr/bin/env python3
"""Tests of the generator.

    gen_test.py            run
    gen_test.py --bless    make the golden outputs anew; read the difference before committing it
"""

import sys
import tempfile
import unittest
from pathlib import Path

import docs
import fortran
from kinds import KINDS
from model import SpecError, load, load_function, resolve
from shells import Shell

HERE = Path(__file__).resolve().parent
SPEC = HERE.parent / "spec"
GOLDEN = HERE / "golden"
# Each shows something of its own: the usual; an early exit with a status; arguments significant at
# the root only, and MPI_IN_PLACE; a handle that comes out; a handle that is freed; a result that
# may not fit an int; a function without failure; variants for large counts.
CASES = ["MPI_Send", "MPI_Iprobe", "MPI_Gatherv", "MPI_Comm_split", "MPI_Type_free", "MPI_Type_size",
         "MPI_Wtime", "MPI_Send_c", "MPI_Gatherv_c"]

# Glue of Fortran: text that comes out; an array of handles, a position and a LOGICAL.
FORTRAN_CASES = ["MPI_Error_string", "MPI_Testany"]

FUNCTIONS = {f.name: f for functions in load(SPEC).values() for f in functions}


def golden_outputs() -> dict[str, str]:
    tables = fortran.load_tables(SPEC)
    return {f"{name}.cpp": Shell(FUNCTIONS[name]).text() for name in CASES} | {
        f"{name}_fortran.cpp": fortran.Procedure(FUNCTIONS[name], tables).glue() for name in FORTRAN_CASES}


class Golden(unittest.TestCase):
    maxDiff = None

    def test_shells(self):
        for name, text in golden_outputs().items():
            with self.subTest(name):
                self.assertEqual((GOLDEN / name).read_text(encoding="utf-8"), text)

    def test_nothing_else_is_kept(self):
        self.assertEqual(sorted(p.name for p in GOLDEN.iterdir()), sorted(golden_outputs()))


class Tables(unittest.TestCase):
    def test_every_kind_is_used(self):
        used = {p.kind_name for f in FUNCTIONS.values() for p in f.params}
        self.assertEqual(used, set(KINDS))

    def test_every_body_stands_somewhere(self):
        own = {f.body for f in FUNCTIONS.values() if f.own_body}
        for f in FUNCTIONS.values():
            self.assertIn(f.body, own, f.name)

    def test_like_another_row(self):
        blocking, nonblocking = FUNCTIONS["MPI_Gatherv"], FUNCTIONS["MPI_Igatherv"]
        self.assertEqual(nonblocking.params[:-1], blocking.params)
        self.assertEqual(nonblocking.params[-1].name, "request")
        with self.assertRaises(SpecError):
            resolve({"about": "", "like": "MPI_Missing", "params": []}, {})

    def test_large_counts(self):
        def counts(name):
            return [p.c(FUNCTIONS[name].large) for p in FUNCTIONS[name].params if "count" in p.name]
        self.assertEqual(counts("MPI_Bcast"), ["int count"])
        self.assertEqual(counts("MPI_Bcast_c"), ["MPI_Count count"])
        self.assertNotIn("MPI_Barrier_c", FUNCTIONS)
        for name, f in FUNCTIONS.items():
            if f.large and not f.own_body:
                self.assertEqual(f.body, FUNCTIONS[name.removesuffix("_c")].body)

    def test_every_argument_is_reported(self):
        for f in FUNCTIONS.values():
            self.assertEqual(Shell(f).report().split('"')[1].count("%"), len(f.params), f.name)

    def test_bad_rows_are_refused(self):
        good = {"about": "x", "params": [["comm", "COMM"]]}
        load_function("MPI_X", good)
        for bad in ({"colour": "red"}, {"params": [["comm", "KOMM"]]}, {"params": [["comm"]]},
                    {"params": [["b", "SEND_BUFFER", "sometimes"]]}, {"when": "never"},
                    {"proc_null": "maybe"}, {"shell": "none"}):
            with self.subTest(bad), self.assertRaises(SpecError):
                load_function("MPI_X", good | bad)

    def test_a_buffer_needs_its_count(self):
        row = {"about": "x", "params": [["buf", "SEND_BUFFER"], ["comm", "COMM"]]}
        with self.assertRaises(SpecError):
            Shell(load_function("MPI_X", row)).text()


class Fortran(unittest.TestCase):
    def test_a_declaration_without_a_form_is_refused(self):
        function = load_function("MPI_Testany", {"about": "x", "params": [["requests", "REQUESTS_RAW"]]})
        tables = fortran.load_tables(SPEC)
        fortran.Procedure(function, tables)
        del tables["form"]["HANDLES_INOUT"]
        with self.assertRaisesRegex(SpecError, "MPI_Testany.*MPI_Request requests"):
            fortran.Procedure(function, tables)

    def test_mpif_h_has_72_columns(self):
        with tempfile.TemporaryDirectory() as folder:
            fortran.write(Path(folder), HERE.parent, load(SPEC))
            for line in (Path(folder) / "mpif.h").read_text().splitlines():
                self.assertTrue(len(line) <= 72 or line.startswith("!"), line)
                self.assertTrue(line.startswith(("!", "      ")) or not line, line)


class Size(unittest.TestCase):
    def test_the_generator_stays_small(self):
        lines = [line for path in HERE.glob("*.py") if not path.name.endswith("_test.py")
                 for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        self.assertLess(len(lines), 600, "move into tables and bodies what is not the same everywhere")


class Documentation(unittest.TestCase):
    def test_functions_md_is_up_to_date(self):
        path = HERE.parent.parent / "docs" / "functions.md"
        self.assertEqual(path.read_text(encoding="utf-8"),
                         docs.functions_md(SPEC, set(FUNCTIONS)),
                         "run: mpi/gen/gen.py functions docs/functions.md")


if __name__ == "__main__":
    if "--bless" in sys.argv:
        for name, text in golden_outputs().items():
            (GOLDEN / name).write_text(text, encoding="utf-8")
    else:
        unittest.main()
