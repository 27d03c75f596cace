#!/bin/sh
# Sees to it that what Fathom's build and tests need is installed.
#
#   sh tools/setup.sh
#
# On Debian and its relatives, as root: installs what is missing. As another user: prints the
# command that would. Elsewhere: names the tools that are missing. Quick when nothing is missing.
# Exit status: 0 when all is there in the end, 1 otherwise.
set -eu
# Lists of packages are meant to fall apart into words.
# shellcheck disable=SC2086

packages="meson ninja-build g++ gfortran pkg-config libgtest-dev libgmock-dev libhwloc-dev libboost-context-dev libsodium-dev
    libpmix-dev mpich openmpi-bin slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge
    clang python3 cmake gdb libfabric-dev libfabric-bin iproute2 nftables openssh-client openssh-server valgrind"

# Prints those of $packages that dpkg does not know as installed.
missing_packages() {
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $packages 2>/dev/null |
        sed -n 's/ installed$//p') || true
    for package in $packages; do
        printf '%s\n' "$installed" | grep -qxF "$package" || printf ' %s' "$package"
    done
}

# Prints the tools and libraries that are missing, where there is no dpkg to ask.
missing_tools() {
    for tool in meson ninja c++ clang pkg-config python3 cmake gdb ip nft ssh; do
        command -v "$tool" >/dev/null 2>&1 || printf ' %s' "$tool"
    done
    for library in gtest gmock hwloc libsodium; do
        pkg-config --exists "$library" 2>/dev/null || printf ' %s' "$library"
    done
    echo '#include <boost/context/detail/fcontext.hpp>' | c++ -E -x c++ - >/dev/null 2>&1 ||
        printf ' boost-context'
}

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    missing=$(missing_tools)
    [ -z "$missing" ] && exit 0
    echo "setup: this is not a Debian system; please install:$missing" >&2
    echo "setup: needed are Meson 1.0, Ninja, a C++20 compiler (g++ 12 or clang 14), pkg-config," \
        "Python 3.11, CMake, gdb, clang with its LANai back end, GoogleTest with gmock, hwloc, libsodium and Boost.Context, with their headers;" \
        "for fast networks, libfabric 1.17;" \
        "for tests on many hosts, iproute2, nftables, OpenSSH's client and server;" \
        "for Fortran programs, a Fortran compiler" >&2
    exit 1
fi

missing=$(missing_packages)
[ -z "$missing" ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "setup: some packages are missing; as root, run:" >&2
    echo "apt-get install -y --no-install-recommends$missing" >&2
    exit 1
fi

echo "setup: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# The tests start these services for themselves, on hosts of their own; installing them starts none here.
for service in openssh-server:ssh munge:munge slurmctld:slurmctld slurmd:slurmd; do
    case "$missing " in
    *" ${service%:*} "*)
        systemctl mask "${service#*:}.service" >/dev/null 2>&1 &&
            echo "setup: ${service#*:}.service is masked; unmask it to run it"
        ;;
    esac
done
# A new machine has no package lists yet, and old ones may name packages that are gone; only then
# are they fetched.
if ! apt-get install -y --no-install-recommends $missing >/dev/null 2>&1; then
    apt-get update
    apt-get install -y --no-install-recommends $missing
fi

missing=$(missing_packages)
if [ -n "$missing" ]; then
    echo "setup: still missing:$missing" >&2
    exit 1
fi
