#!/bin/sh
# Builds Fathom and runs its tests: all of them in the plain build, then the suites that one process or
# one job carries (unit, contract, conformance) in a build with the address and undefined-behaviour
# sanitizers, and the conformance tests of MPI_THREAD_MULTIPLE in one with the thread sanitizer.
#
#   sh test/run.sh [--suite NAME]... [--quick]
#
#   --suite NAME  only this suite (unit, contract, conformance, mp, stress, bench, examples…)
#   --quick       without the sanitizer builds
#
# What failed is shown with the end of its output. The last line counts single tests over all builds:
# `N passed, N failed, N skipped`. Exit status: 0 only if something ran and nothing failed.
set -u

usage() {
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
}

sanitized_suites="unit contract conformance"
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

# quietly COMMAND...: the output is shown only if the command fails, and then from where it fails.
quietly() {
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then
        rm -f "$log"
        return 0
    fi
    if grep -aq '^FAILED:' "$log"; then
        sed -n '/^FAILED:/,$p' "$log" | head -n 200
    else
        tail -n 60 "$log"
    fi
    rm -f "$log"
    return 1
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

# shellcheck disable=SC2046,SC2086 # lists of words are meant to fall apart
{
    echo "run.sh: building"
    if ! configure build; then
        give_up "the build could not be configured"
    fi
    quietly ninja -C build || give_up "the build failed"
    run_tests build $(suite_options $suites)
    summary="build"

    if [ "$quick" = no ]; then
        wanted=
        for suite in $sanitized_suites; do
            case " ${suites:-$sanitized_suites} " in
            *" $suite "*) wanted="$wanted $suite" ;;
            esac
        done
        if [ -n "$wanted" ]; then
            echo "run.sh: building with the sanitizers"
            if configure build-asan --buildtype=debugoptimized -Doptimization=1 \
                -Db_sanitize=address,undefined -Db_lundef=false &&
                targets=$(python3 -B test/support/targets.py build-asan $wanted) &&
                quietly ninja -C build-asan $targets; then
                # A rank under the sanitizers is several times slower; an error ends it. Memory that
                # cannot be had is no error: the tests ask for too much on purpose.
                ASAN_OPTIONS=allocator_may_return_null=1 \
                    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 FATHOM_TEST_TIMEOUT=120 \
                    run_tests build-asan --timeout-multiplier 4 $(suite_options $wanted)
                summary="$summary build-asan"
            else
                summary="$summary --failed build-asan"
            fi
        fi
        case " ${suites:-conformance} " in
        *" conformance "* | *" thread "*)
            echo "run.sh: building with the thread sanitizer"
            if configure build-tsan --buildtype=debugoptimized -Doptimization=1 \
                -Db_sanitize=thread -Db_lundef=false &&
                targets=$(python3 -B test/support/targets.py build-tsan thread) &&
                quietly ninja -C build-tsan $targets; then
                TSAN_OPTIONS=halt_on_error=1 FATHOM_TEST_TIMEOUT=120 \
                    run_tests build-tsan --timeout-multiplier 4 --suite thread
                summary="$summary build-tsan"
            else
                summary="$summary --failed build-tsan"
            fi
            ;;
        esac
    fi
    python3 -B test/support/summary.py $summary
}
