#!/bin/sh
# Makes the build tree look like an installed prefix, so that build/bin/mpicc and build/bin/mpirun
# work without installing. Run by Meson whenever it configures.
#
# usage: prefix.sh BUILD BINDIR INCLUDEDIR LIBDIR
# What ninja makes is linked to, relatively, so that links may be there before it. The wrappers are
# copied: they find the prefix from their own place.
set -eu
cd "$1"
bin=$2 include=$3 lib=$4
mkdir -p "$bin" "$include" "$lib/pkgconfig"

# The way from a folder of the prefix to the build tree's root: one .. for each part of its name.
up() { printf '%s\n' "$1" | sed 's,[^/][^/]*,..,g'; }

for name in mpicc mpicxx mpifort; do
    cp -f "mpi/compilers/$name" "$bin/$name.new" && chmod 755 "$bin/$name.new"
    mv -f "$bin/$name.new" "$bin/$name"
done
ln -sfn mpicxx "$bin/mpic++"
ln -sfn mpicxx "$bin/mpiCC"
ln -sfn mpifort "$bin/mpif77"
ln -sfn mpifort "$bin/mpif90"
for name in mpirun mpiexec; do ln -sfn "$(up "$bin")/mpi/launch/mpirun" "$bin/$name"; done
ln -sfn "$(up "$bin")/firmware/fm-fabric" "$bin/fm-fabric"
ln -sfn "$(up "$bin")/test/bench/fm/fm-bench" "$bin/fm-bench"
mkdir -p libexec/fathom
for name in fm machines mpi papers put; do
    ln -sfn "../../test/bench/fm/fm-bench-$name" "libexec/fathom/fm-bench-$name"
done
ln -sfn "$(up "$include")/mpi/include/mpi.h" "$include/mpi.h"
for name in libmpi_abi.so libmpi_abi.so.1; do ln -sfn "$(up "$lib")/mpi/$name" "$lib/$name"; done
if [ -d mpi/fortran ]; then
    for name in mpif.h mpi.mod mpi_f08.mod mpi_fathom_types.mod; do
        ln -sfn "$(up "$include")/mpi/fortran/$name" "$include/$name"
    done
    for name in libmpifort_abi.so libmpifort_abi.so.1; do
        ln -sfn "$(up "$lib")/mpi/fortran/$name" "$lib/$name"
    done
fi
cp -f mpi/compilers/*.pc "$lib/pkgconfig/"
