#!/usr/bin/env python3
"""Tests of mpicc, mpicxx, mpifort and the pkg-config files: in the build tree and in an installed one that was
moved, by hand, by CMake and by pkg-config.

    wrappers_test.py BUILD MESON
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BUILD = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
MESON = sys.argv[2] if len(sys.argv) > 2 else ""
HAS_FORTRAN = (BUILD / "include" / "mpif.h").exists()
LIMIT_S = 120

C_PROGRAM = """
#include <mpi.h>
#include <stdio.h>
int main(int argc, char **argv) {
    int rank, size, sum = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    rank += 1;
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    if (rank == 1) printf("sum %d of %d\\n", sum, size);
    MPI_Finalize();
    return 0;
}
"""
CXX_PROGRAM = C_PROGRAM.replace("<stdio.h>", "<cstdio>").replace("printf", "std::printf")
# A tool that stands between the program and the library (MPI-5.0 §15.2).
TOOL = """
#include <mpi.h>
#include <stdio.h>
int MPI_Comm_size(MPI_Comm comm, int *size) {
    int error = PMPI_Comm_size(comm, size);
    *size += 40;
    return error;
}
"""
FORTRAN_PROGRAM = """
program main
    {use}
    implicit none
    {include}
    integer :: rank, ranks, total, ierror
    real :: part(2), parts(2)
    call MPI_Init(ierror)
    call MPI_Comm_rank(MPI_COMM_WORLD, rank, ierror)
    call MPI_Comm_size(MPI_COMM_WORLD, ranks, ierror)
    rank = rank + 1
    part = 0.5
    call MPI_Allreduce(rank, total, 1, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, ierror)
    call MPI_Allreduce(part, parts, 2, MPI_REAL, MPI_SUM, MPI_COMM_WORLD, ierror)
    if (parts(2) /= 0.5 * ranks) stop 1
    if (rank == 1) print '(a,i0,a,i0)', 'sum ', total, ' of ', ranks
    call MPI_Finalize(ierror)
end program main
"""
FORTRAN_PROGRAMS = {
    "sum_mpif.f": "".join(" " * 6 + line.strip() + "\n" for line in FORTRAN_PROGRAM.format(
        use="", include="include 'mpif.h'").splitlines() if line.strip())
    .replace(", MPI_SUM", ",\n     & MPI_SUM"),
    "sum_free.f90": FORTRAN_PROGRAM.format(use="", include="include 'mpif.h'"),
    "sum_mpi.f90": FORTRAN_PROGRAM.format(use="use mpi", include=""),
    "sum_f08.f90": FORTRAN_PROGRAM.format(use="use mpi_f08", include=""),
}
CMAKE_PROJECT = """
cmake_minimum_required(VERSION 3.18)
project(sum C CXX)
find_package(MPI REQUIRED COMPONENTS C CXX)
add_executable(sum_c sum.c)
target_link_libraries(sum_c PRIVATE MPI::MPI_C)
add_executable(sum_cxx sum.cpp)
target_link_libraries(sum_cxx PRIVATE MPI::MPI_CXX)
message(STATUS "MPI ${MPI_C_VERSION} ${MPIEXEC_EXECUTABLE}")
"""
CMAKE_FORTRAN = """
enable_language(Fortran)
find_package(MPI REQUIRED COMPONENTS C CXX Fortran)
foreach(name mpif.f mpi.f90 f08.f90)
    add_executable(sum_${name} sum_${name})
    target_link_libraries(sum_${name} PRIVATE MPI::MPI_Fortran)
endforeach()
message(STATUS "Fortran has ${MPI_Fortran_HAVE_F77_HEADER} ${MPI_Fortran_HAVE_F90_MODULE} "
    "${MPI_Fortran_HAVE_F08_MODULE}")
"""


def environment(**more):
    """The environment without what other MPI installations and launchers may have set."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("MPI", "OMPI", "PMI", "FATHOM", "LD_", "PKG_CONFIG", "CMAKE"))}
    return kept | more


def run(*command, cwd=None, **more):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd=cwd,
                          timeout=LIMIT_S, env=environment(**{k: str(v) for k, v in more.items()}))


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "sum.c").write_text(C_PROGRAM)
        (self.folder / "sum.cpp").write_text(CXX_PROGRAM)
        for name, text in FORTRAN_PROGRAMS.items():
            (self.folder / name).write_text(text)

    def ok(self, *command, **more):
        """Runs a command that must succeed; returns what it printed."""
        result = run(*command, cwd=self.folder, **more)
        self.assertEqual(result.returncode, 0, f"{command}\n{result.stdout}{result.stderr}")
        return result.stdout

    def silent(self, *command, **more):
        """Runs a command that must succeed and print nothing at all."""
        result = run(*command, cwd=self.folder, **more)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""), command)

    def check_program(self, bin_, program, ranks=2):
        """The program, alone and under mpirun, uses the library beside `bin_`."""
        self.assertEqual(self.ok(program), "sum 1 of 1\n")
        total = ranks * (ranks + 1) // 2
        self.assertEqual(self.ok(bin_ / "mpirun", "-n", ranks, program),
                         f"sum {total} of {ranks}\n")
        self.assertIn(str(bin_.parent / "lib"), self.ok("ldd", program))


class Answers(Case):
    """What FindMPI and build systems ask."""

    def setUp(self):
        super().setUp()
        self.mpicc = BUILD / "bin" / "mpicc"
        self.compile = f"-I{BUILD}/include"
        self.link = (f"-L{BUILD}/lib -Wl,-rpath,{BUILD}/lib -Wl,--enable-new-dtags -lmpi_abi")

    def answer(self, *flags, wrapper="mpicc", **more):
        return self.ok(BUILD / "bin" / wrapper, *flags, **more).rstrip("\n")

    def test_open_mpi_dialect(self):
        self.assertEqual(self.answer("-showme:compile"), self.compile)
        self.assertEqual(self.answer("--showme:link"), self.link)
        self.assertEqual(self.answer("-showme:incdirs"), f"{BUILD}/include")
        self.assertEqual(self.answer("-showme:libdirs"), f"{BUILD}/lib")
        self.assertEqual(self.answer("-showme:libs"), "mpi_abi")
        self.assertRegex(self.answer("-showme:version"), r"^mpicc: Fathom [0-9.]+ \(Language: C\)$")
        self.assertRegex(self.answer("-showme:version", wrapper="mpic++"), r"Language: C\+\+")
        self.assertIn("usage: mpicc", self.answer("-showme:help"))
        self.assertEqual(self.answer("-showme:command", OMPI_CC="my-cc"), "my-cc")
        self.assertEqual(self.answer("-showme", "x.c", OMPI_CC="my-cc"),
                         f"my-cc {self.compile} x.c {self.link}")
        self.assertNotEqual(run(self.mpicc, "-showme:nonsense").returncode, 0)

    def test_mpich_dialect(self):
        self.assertEqual(self.answer("-show", MPICH_CC="my-cc"),
                         f"my-cc {self.compile} {self.link}")
        for flag in ("-compile_info", "-compile-info"):
            self.assertEqual(self.answer(flag, MPICH_CC="my-cc"), f"my-cc {self.compile}")
        for flag in ("-link_info", "-link-info"):
            self.assertEqual(self.answer(flag, MPICH_CC="my-cc"), f"my-cc {self.link}")
        self.assertEqual(self.answer("-cc=other", "-show", "-c", "x.c", MPICH_CC="my-cc"),
                         f"other {self.compile} -c x.c")
        self.assertEqual(self.answer("-cxx=other", "-show", "-c", "x.cc", wrapper="mpicxx"),
                         f"other {self.compile} -c x.cc")

    def test_own_variable_comes_first(self):
        self.assertEqual(self.answer("-showme:command", FATHOM_CC="a", MPICH_CC="b", OMPI_CC="c"),
                         "a")

    def test_words_are_quoted(self):
        shown = self.answer("-show", "-c", "-DA='a b'", "it's.c")
        words = self.ok("sh", "-c", f"printf '%s\\n' {shown}").splitlines()
        self.assertEqual(words[-3:], ["-c", "-DA='a b'", "it's.c"])

    def test_the_compiler_is_asked_directly(self):
        self.assertIn("Free Software", self.answer("--version"))
        self.assertEqual(self.answer("-dumpversion", MPICH_CC="gcc"),
                         self.ok("gcc", "-dumpversion").rstrip("\n"))
        self.assertIn("MPI_VERSION 5", self.answer("-E", "-dM", "sum.c"))

    def test_fortran(self):
        if not HAS_FORTRAN:
            for name in ("mpifort", "mpif90", "mpif77"):
                result = run(BUILD / "bin" / name, "-show")
                self.assertNotEqual(result.returncode, 0)
                self.assertEqual(result.stdout, "")
                self.assertIn("without a Fortran compiler", result.stderr)
            return
        link = self.link.replace("-lmpi_abi", "-lmpifort_abi -lmpi_abi")
        for name in ("mpifort", "mpif90", "mpif77"):
            self.assertEqual(self.answer("-show", "x.f", wrapper=name, MPICH_FC="my-fc"),
                             f"my-fc {self.compile} x.f {link}")
            self.assertEqual(self.answer("-showme:libs", wrapper=name), "mpifort_abi mpi_abi")
            self.assertEqual(self.answer("-fc=other", "-show", "-c", "x.f", wrapper=name),
                             f"other {self.compile} -c x.f")


class Compile(Case):
    def test_c_and_cxx_in_the_build_tree(self):
        bin_ = BUILD / "bin"
        self.silent(bin_ / "mpicc", "-Wall", "-Wextra", "-pedantic", "sum.c", "-o", "sum_c")
        self.check_program(bin_, self.folder / "sum_c")
        for wrapper in ("mpicxx", "mpic++", "mpiCC"):
            self.silent(bin_ / wrapper, "-c", "sum.cpp")
            self.silent(bin_ / wrapper, "sum.o", "-o", "sum_cxx")
            self.check_program(bin_, self.folder / "sum_cxx")

    @unittest.skipUnless(HAS_FORTRAN, "no Fortran compiler")
    def test_fortran_in_the_build_tree(self):
        bin_ = BUILD / "bin"
        for name in FORTRAN_PROGRAMS:
            self.silent(bin_ / "mpifort", "-Wall", name, "-o", "sum")
            self.check_program(bin_, self.folder / "sum")
            self.silent(bin_ / "mpif90", "-fallow-argument-mismatch", "-c", name, "-o", "sum.o")
            self.silent(bin_ / "mpif77", "-no-pie", "sum.o", "-o", "sum")
            self.check_program(bin_, self.folder / "sum")

    def test_runpath_not_rpath(self):
        self.silent(BUILD / "bin" / "mpicc", "sum.c", "-o", "sum")
        dynamic = self.ok("readelf", "-d", "sum")
        self.assertIn("RUNPATH", dynamic)
        self.assertNotIn("RPATH)", dynamic.replace("RUNPATH)", ""))
        self.assertIn("[libmpi_abi.so.1]", dynamic)

    def test_a_tool_may_define_functions_itself(self):
        (self.folder / "tool.c").write_text(TOOL)
        self.silent(BUILD / "bin" / "mpicc", "sum.c", "tool.c", "-o", "linked")
        self.assertEqual(self.ok("./linked"), "sum 1 of 41\n")
        self.silent(BUILD / "bin" / "mpicc", "-shared", "-fPIC", "tool.c", "-o", "tool.so")
        self.silent(BUILD / "bin" / "mpicc", "sum.c", "-o", "sum")
        self.assertEqual(self.ok("./sum", LD_PRELOAD=self.folder / "tool.so"), "sum 1 of 41\n")

    def test_every_way_to_name_the_wrapper(self):
        self.silent("mpicc", "sum.c", "-o", "by_path",
                    PATH=f"{BUILD}/bin:{os.environ['PATH']}")
        (self.folder / "links").mkdir()
        (self.folder / "links" / "one").symlink_to(BUILD / "bin" / "mpicc")
        (self.folder / "cc").symlink_to(Path("links") / "one")
        self.silent("./cc", "sum.c", "-o", "by_link")
        relative = os.path.relpath(BUILD / "bin" / "mpicc", self.folder)
        self.silent(relative, "sum.c", "-o", "by_relative_path")
        for name in ("by_path", "by_link", "by_relative_path"):
            self.assertEqual(self.ok(self.folder / name), "sum 1 of 1\n")

    def test_other_compilers(self):
        clang = shutil.which("clang")
        if not clang:
            self.skipTest("no clang on this machine")
        self.silent(BUILD / "bin" / "mpicc", f"-cc={clang}", "sum.c", "-o", "sum")
        self.assertEqual(self.ok("./sum"), "sum 1 of 1\n")

    def test_the_compilers_status_comes_back(self):
        (self.folder / "bad.c").write_text("int main(void) { return nothing; }\n")
        result = run(BUILD / "bin" / "mpicc", "bad.c", cwd=self.folder)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("nothing", result.stderr)


class BuildSystems(Case):
    def cmake(self, bin_):
        (self.folder / "CMakeLists.txt").write_text(CMAKE_PROJECT + CMAKE_FORTRAN * HAS_FORTRAN)
        path = f"{bin_}:{os.environ['PATH']}"
        told = self.ok("cmake", "-S", ".", "-B", "out", PATH=path)
        self.assertIn(f"MPI 5.0 {bin_}/mpiexec", told)
        self.ok("cmake", "--build", "out", PATH=path)
        programs = ["sum_c", "sum_cxx"]
        if HAS_FORTRAN:
            self.assertIn("Fortran has TRUE TRUE TRUE", told)
            programs += ["sum_mpif.f", "sum_mpi.f90", "sum_f08.f90"]
        for name in programs:
            self.check_program(bin_, self.folder / "out" / name)

    def pkg_config(self, prefix, module, compiler, source):
        flags = self.ok("pkg-config", "--cflags", "--libs", module,
                        PKG_CONFIG_PATH=prefix / "lib" / "pkgconfig").split()
        self.silent(compiler, source, *flags, "-o", "sum")
        self.check_program(prefix / "bin", self.folder / "sum")

    def test_cmake_with_the_build_tree(self):
        self.cmake(BUILD / "bin")

    def test_pkg_config_with_the_build_tree(self):
        for module in ("fathom", "mpi-c"):
            self.pkg_config(BUILD, module, "cc", "sum.c")
        self.pkg_config(BUILD, "mpi-cxx", "c++", "sum.cpp")
        if HAS_FORTRAN:
            self.pkg_config(BUILD, "mpi-fort", "gfortran", "sum_f08.f90")

    def test_an_installed_tree_can_be_moved(self):
        stage = self.folder / "stage"
        self.ok(MESON, "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", stage)
        header = next(stage.rglob("mpi.h"))
        prefix = self.folder / "another place" / "fathom"
        prefix.parent.mkdir()
        shutil.move(header.parent.parent, prefix)
        shutil.rmtree(stage)

        self.silent(prefix / "bin" / "mpicc", "sum.c", "-o", "sum_c")
        self.check_program(prefix / "bin", self.folder / "sum_c")
        self.silent(prefix / "bin" / "mpicxx", "sum.cpp", "-o", "sum_cxx")
        self.check_program(prefix / "bin", self.folder / "sum_cxx")
        if HAS_FORTRAN:
            self.silent(prefix / "bin" / "mpifort", "sum_f08.f90", "-o", "sum_f08")
            self.check_program(prefix / "bin", self.folder / "sum_f08")
            # Another compiler, or another version, makes its own modules.
            self.silent("sh", "-c", 'gfortran -c "$0"', prefix / "share" / "fathom" / "mpi.f90")
            self.silent(prefix / "bin" / "mpifort", "-I.", "sum_mpi.f90", "-o", "sum_mpi")
            self.check_program(prefix / "bin", self.folder / "sum_mpi")

        plain = self.folder / "plain"  # pkg-config and CMake are not held to spaces
        shutil.move(prefix, plain)
        self.pkg_config(plain, "mpi-c", "cc", "sum.c")
        self.cmake(plain / "bin")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    unittest.main(argv=sys.argv[:1], verbosity=2)
