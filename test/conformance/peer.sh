#!/bin/sh
# Runs the conformance tests with another MPI of this machine: a check of the tests themselves. What
# that MPI is known to get wrong is skipped, with the reason; the rest has to pass.
#
#   sh test/conformance/peer.sh mpich|openmpi [RANKS [CHAPTER...]]
#
# Needs mpicxx.PEER and mpiexec.PEER, as Debian's packages install them. Objects are kept in
# build-PEER. Expect more than two ranks of a peer that spins to be slow where there are fewer cores.
set -eu

[ $# -ge 1 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2; }
peer=$1
ranks=${2:-2}
[ $# -lt 2 ] || shift
shift
[ $# -gt 0 ] || set -- pt2pt datatype coll comm env errors external thread
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$root/build-$peer
mkdir -p "$out"

options=
[ "$peer" != openmpi ] || options="--allow-run-as-root --oversubscribe"

# compile SOURCE: prints the object's path; compiles only if a source or header is newer.
compile() {
    object=$out/$(basename "$1" .cpp).o
    if [ ! -f "$object" ] || [ -n "$(find "$1" "$root"/test/conformance/*.hpp \
        "$root"/test/support/*.hpp -newer "$object")" ]; then
        "mpicxx.$peer" -std=c++20 -O1 -g -D_GNU_SOURCE -Wall -Wextra -I "$root" -c "$1" -o "$object"
    fi
    echo "$object"
}

status=0
for chapter in "$@"; do
    objects=
    for source in "$root"/test/support/*.cpp "$root/test/conformance/$chapter"_*.cpp; do
        object=$(compile "$source")
        objects="$objects $object"
    done
    # shellcheck disable=SC2086 # lists of words
    "mpicxx.$peer" -rdynamic $objects -o "$out/$chapter" -lgtest
    echo "== $chapter, $ranks ranks of $peer"
    # shellcheck disable=SC2086
    FATHOM_TEST_THREADS=$([ "$chapter" = thread ] && echo multiple || echo single) \
        "mpiexec.$peer" $options -n "$ranks" "$out/$chapter" --gtest_brief=1 || status=1
done
exit $status
