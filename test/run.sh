#!/bin/sh
# Builds Fathom and runs its tests: all of them in the plain build, then those that one process or one
# job carries (unit, contract, and of the conformance tests the suite memory) in a build with the address
# and undefined-behaviour sanitizers, and the conformance tests of MPI_THREAD_MULTIPLE in one with the
# thread sanitizer. With --suite conformance all of those run under the sanitizers. Those builds are made
# while the tests of the plain one run, and when they are made, three fuzzers run for a minute each, while other tests
# do; FATHOM_FUZZ_SECONDS says for how long, and 0 leaves them out.
#
#   sh test/run.sh [--suite NAME]... [--quick]
#
#   --suite NAME  only this suite (unit, contract, conformance, mp, stress, bench, examples…)
#   --quick       without the sanitizer builds
#
# With one of them the fuzzers run for no longer than as tests.
#
# What failed is shown with the end of its output. The last line counts single tests over all builds:
# `N passed, N failed, N skipped`. Exit status: 0 only if something ran and nothing failed.
set -u

usage() {
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
}

suites=
quick=no
while [ $# -gt 0 ]; do
    case $1 in
    --suite)
        [ $# -gt 1 ] || { echo "run.sh: --suite needs a name" >&2; exit 2; }
        suites="$suites $2"
        shift
        ;;
    --suite=*) suites="$suites ${1#*=}" ;;
    --quick) quick=yes ;;
    --help | -h)
        usage
        exit 0
        ;;
    *)
        echo "run.sh: unknown argument '$1'" >&2
        usage >&2
        exit 2
        ;;
    esac
    shift
done

root=$(cd "$(dirname "$0")/.." && pwd) || exit 1
cd "$root" || exit 1

# Prints the line that everything ends with when no test could run.
give_up() {
    echo "run.sh: $1"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}

sh tools/setup.sh || give_up "what the build needs could not be installed"

# configure DIR OPTION...: sets up a build directory, or takes the one that is there. One that a
# different version of the tools has left behind is made anew.
configure() {
    dir=$1
    shift
    if [ -f "$dir/build.ninja" ] && ninja -C "$dir" -n build.ninja >/dev/null 2>&1; then
        return 0
    fi
    rm -rf "$dir"
    meson setup "$dir" "$@" >"$dir.log" 2>&1 || {
        cat "$dir.log"
        rm -f "$dir.log"
        return 1
    }
    rm -f "$dir.log"
}

# show_failure LOG: what a build said, from where it failed.
show_failure() {
    if grep -aq '^FAILED:' "$1"; then
        sed -n '/^FAILED:/,$p' "$1" | head -n 200
    else
        tail -n 60 "$1"
    fi
}

# build_sanitized DIR SUITES OPTION...: a build with a sanitizer, of what the suites need. Leaves its exit status
# in a file, for finish_build.
build_sanitized() {
    dir=$1
    wanted=$2
    shift 2
    # An end at what is found is less code to compile than a report of each.
    args="-g1 -fno-sanitize-recover=undefined"
    # shellcheck disable=SC2086 # lists of words are meant to fall apart
    configure "$dir" -Doptimization=1 -Ddebug=false "-Dc_args=$args" "-Dcpp_args=$args" -Db_lundef=false "$@" &&
        targets=$(python3 -B test/support/targets.py "$dir" $wanted) &&
        { ninja -C "$dir" $targets & } &&
        child=$! &&
        wait "$child"
    echo $? >"$work/$dir"
}

# finish_build DIR: waits for it.
finish_build() {
    while [ ! -s "$work/$1" ] && kill -0 "$builder" 2>/dev/null; do sleep 1; done
    [ "$(cat "$work/$1")" = 0 ] && return 0
    show_failure "$work/$1.log"
    return 1
}

# fuzz SECONDS: each of the fuzzers of what comes from other hosts, launchers and users for so long: the tests'
# own inputs, and more behind them. Leaves its exit status in a file, for finish_build.
fuzz() {
    failed=0
    for one in test/fuzz/tcp_frames_test:TcpFrames mpi/launch/launch_test:PmiLines mpi/launch/launch_test:HostFiles; do
        FATHOM_FUZZ_SECONDS=$1 "build/${one%:*}" "--gtest_filter=Fuzz.${one#*:}" >"$work/fuzz.one" 2>&1 &
        child=$!
        wait "$child" || { failed=1; cat "$work/fuzz.one"; }
        sed -n "s/ inputs\$/ inputs in $1 s of Fuzz.${one#*:}/p" "$work/fuzz.one"
    done
    echo $failed >"$work/fuzz"
}

# run_tests DIR OPTION...: runs meson test there; the summary reads the logs afterwards.
run_tests() {
    dir=$1
    shift
    rm -f "$dir"/*.xml "$dir"/meson-logs/testlog*
    meson test -C "$dir" --no-rebuild --num-processes 2 "$@"
}

# The words of a list, each after --suite.
suite_options() {
    for suite in "$@"; do
        printf ' --suite %s' "$suite"
    done
}

# wanted_suites SUITE...: those of them that the command line asks for.
wanted_suites() {
    for suite in "$@"; do
        case " ${suites:-$*} " in
        *" $suite "*) printf ' %s' "$suite" ;;
        esac
    done
}

asan_suites=
tsan_suites=
if [ "$quick" = no ]; then
    # Of the conformance tests only those that move every kind of data, unless they are asked for.
    asan_suites=$(wanted_suites unit contract memory)
    case " $suites " in
    *" conformance "*) asan_suites="$asan_suites conformance" ;;
    esac
    case " ${suites:-thread} " in
    *" conformance "* | *" thread "*) tsan_suites=thread ;;
    esac
fi

fuzz_s=0
[ -n "$suites" ] || [ "$quick" = yes ] || fuzz_s=${FATHOM_FUZZ_SECONDS:-60}
unset FATHOM_FUZZ_SECONDS # the tests themselves are short

builder=
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap '[ -z "$builder" ] || kill "$builder"; exit 130' INT TERM

# shellcheck disable=SC2046,SC2086 # lists of words are meant to fall apart
{
    echo "run.sh: building"
    if ! configure build; then
        give_up "the build could not be configured"
    fi
    ninja -C build >"$work/log" 2>&1 || {
        show_failure "$work/log"
        give_up "the build failed"
    }
    # Tests leave much of the machine idle; they go first.
    {
        child=
        trap '[ -z "$child" ] || kill "$child"; exit 130' TERM
        chrt --idle --pid 0 "$(exec sh -c 'echo $PPID')"
        [ -z "$asan_suites" ] ||
            build_sanitized build-asan "$asan_suites" -Db_sanitize=address,undefined >"$work/build-asan.log" 2>&1
        [ -z "$tsan_suites" ] ||
            build_sanitized build-tsan "$tsan_suites" -Db_sanitize=thread >"$work/build-tsan.log" 2>&1
        [ "$fuzz_s" = 0 ] || fuzz "$fuzz_s" >"$work/fuzz.log" 2>&1
    } &
    builder=$!
    # A limit is for what hangs, not for what is slow on a busy machine.
    FATHOM_TEST_TIMEOUT=120 run_tests build --timeout-multiplier 4 $(suite_options $suites)
    summary="build"

    if [ -n "$asan_suites" ]; then
        if finish_build build-asan; then
            # A rank under the sanitizers is several times slower; an error ends it. Memory that
            # cannot be had is no error: the tests ask for too much on purpose.
            ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 FATHOM_TEST_TIMEOUT=120 \
                run_tests build-asan --timeout-multiplier 4 $(suite_options $asan_suites)
            summary="$summary build-asan"
        else
            summary="$summary --failed build-asan"
        fi
    fi
    if [ -n "$tsan_suites" ]; then
        if finish_build build-tsan; then
            TSAN_OPTIONS=halt_on_error=1 FATHOM_TEST_TIMEOUT=120 \
                run_tests build-tsan --timeout-multiplier 4 --suite thread
            summary="$summary build-tsan"
        else
            summary="$summary --failed build-tsan"
        fi
    fi
    if [ "$fuzz_s" != 0 ]; then
        if finish_build fuzz; then
            sed 's/^/run.sh: /' "$work/fuzz.log"
        else
            summary="$summary --failed fuzz"
        fi
    fi
    python3 -B test/support/summary.py $summary
}
