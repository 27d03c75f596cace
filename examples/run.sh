#!/bin/sh
# Builds Fathom, then compiles and runs the examples as a user would: the NAS kernels with nothing
# but the tree's own mpicxx and mpifort, and everything under its own mpirun.
#
#   sh examples/run.sh [--class S,W] [--ranks 1,2,4]
#
# One line for each run. Exit status: 0 only if every run succeeded and verified; the output of a
# run that did not is shown.
set -eu

usage() {
    cat <<END
usage: sh examples/run.sh [--class X[,Y...]]... [--ranks N[,M...]]
  --class   NAS problem classes S, W, A, B, C (default S,W)
  --ranks   numbers of ranks (default 1,2,4)
END
}

fail_usage() {
    echo "run.sh: $1" >&2
    usage >&2
    exit 2
}

classes=
ranks=
while [ $# -gt 0 ]; do
    option=$1
    shift
    case $option in
    --help | -h)
        usage
        exit 0
        ;;
    --class=* | --ranks=*)
        value=${option#*=}
        option=${option%%=*}
        ;;
    --class | --ranks)
        [ $# -gt 0 ] || fail_usage "$option needs a value"
        value=$1
        shift
        ;;
    *) fail_usage "unknown argument '$option'" ;;
    esac
    # One word or more, apart by commas.
    case $value in
    *[!,\ ]*) ;;
    *) fail_usage "$option needs a value" ;;
    esac
    case $option in
    --class) classes="$classes $(echo "$value" | tr ',a-z' ' A-Z')" ;;
    --ranks) ranks="$ranks $(echo "$value" | tr ',' ' ')" ;;
    esac
done
[ -n "$classes" ] || classes="S W"
[ -n "$ranks" ] || ranks="1 2 4"
for class in $classes; do
    case $class in
    S | W | A | B | C) ;;
    *) fail_usage "unknown class '$class'" ;;
    esac
done
for n in $ranks; do
    case $n in
    0* | *[!0-9]*) fail_usage "'$n' is not a number of ranks" ;;
    esac
done

root=$(CDPATH="" cd -- "$(dirname -- "$0")/.." && pwd)
build=$root/build
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

sh "$root/tools/setup.sh"

# Runs a step quietly; on failure shows what it printed and ends.
step() {
    echo "$1"
    shift
    "$@" >"$work/step.log" 2>&1 || {
        cat "$work/step.log" >&2
        echo "run.sh: failed: $*" >&2
        exit 1
    }
}

[ -f "$build/build.ninja" ] || step "configuring" meson setup "$build" "$root"
step "building" ninja -C "$build" programs

mpicxx=$build/bin/mpicxx
mpirun=$build/bin/mpirun
failures=0

failed() {
    failures=$((failures + 1))
    echo "---- output of: $1 (exit status $2)"
    cat "$work/out"
    echo "----"
}

# run_example NAME RANKS: an example that checks itself.
run_example() {
    status=0
    "$mpirun" -n "$2" "$build/examples/$1" </dev/null >"$work/out" 2>&1 || status=$?
    [ $status -eq 0 ] && verdict=ok || verdict=FAILED
    printf '%-18s %5s %5s %11s %11s  %s\n' "$1" - "$2" - - "$verdict"
    [ $status -eq 0 ] || failed "$1 on $2 ranks" $status
}

# run_kernel NAME CLASS RANKS: a NAS kernel, judged by its exit status and by what it says.
run_kernel() {
    status=0
    "$mpirun" -n "$3" "$work/$1" --class "$2" </dev/null >"$work/out" 2>&1 || status=$?
    figures=$(awk '/^ Time in seconds/ { t = $NF } /^ Mop\/s total/ { m = $NF }
        /^ Verification/ { v = $NF }
        END { printf "%s %s %s", t == "" ? "-" : t, m == "" ? "-" : m, v == "" ? "-" : v }' \
        "$work/out")
    verdict=${figures##* }
    [ "$verdict" = SUCCESSFUL ] && [ $status -eq 0 ] && verdict=verified || verdict=FAILED
    figures=${figures% *}
    printf '%-18s %5s %5s %11s %11s  %s\n' "$(echo "$1" | tr "[:lower:]" "[:upper:]")" "$2" "$3" "${figures% *}" \
        "${figures#* }" "$verdict"
    [ "$verdict" = verified ] || failed "$1 class $2 on $3 ranks" $status
}

kernels="ep is cg mg ft"
for kernel in $kernels; do
    set -- "$root/examples/nas/$kernel.cpp" "$root/examples/nas/nas.cpp"
    for source in "$root/examples/nas/$kernel"_*.cpp; do
        [ -f "$source" ] && set -- "$@" "$source"
    done
    step "mpicxx $kernel" "$mpicxx" -std=c++20 -O3 -o "$work/$kernel" "$@"
done

if [ -e "$build/include/mpif.h" ]; then
    step "mpifort ep_f08" "$build/bin/mpifort" -O3 -o "$work/ep_f08" "$root/examples/nas/ep_f08.f90"
    kernels="$kernels ep_f08"
fi

printf '\n%-18s %5s %5s %11s %11s  %s\n' program class ranks seconds Mop/s result
for n in $ranks; do
    for example in hello ring halo; do run_example $example "$n"; done
    if [ -e "$build/include/mpif.h" ]; then
        for example in hello_mpif hello_mpi hello_f08; do run_example fortran/$example "$n"; done
    fi
done
run_example pingpong 2
for kernel in $kernels; do
    for class in $classes; do
        for n in $ranks; do run_kernel $kernel "$class" "$n"; done
    done
done

if [ $failures -gt 0 ]; then
    echo "$failures runs failed"
    exit 1
fi
echo "all verified"
