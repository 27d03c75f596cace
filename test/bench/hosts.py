"""Hosts for the benchmarks: namespaces of this machine (test/mp/netns.py), and how each MPI is told of them."""

import contextlib
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "mp"))
import netns

missing = netns.missing


@contextlib.contextmanager
def bed(count, implementations):
    """The hosts, or None for this one alone. The MPIs' launchers are told to use tcp between them."""
    if count <= 1:
        yield None
        return
    with netns.Bed(count) as made:
        for mpi in implementations:
            tell(made, mpi)
        yield made


def tell(made, mpi):
    shell = made.write("rsh", f'#!/bin/sh\nexec {made.rsh} "$@"\n')
    os.chmod(shell, 0o755)
    if mpi.name == "fathom":
        mpi.launcher += ["--hostfile", made.path("hosts.fathom")]
    elif mpi.name == "mpich":
        mpi.launcher += ["-launcher", "ssh", "-launcher-exec", shell, "-f", made.path("hosts.mpich")]
        # Inside of a host MPICH has its own shared memory.
        mpi.environment = {"UCX_TLS": "tcp,self", "UCX_NET_DEVICES": "eth0"}
    else:
        mpi.launcher += ["--mca", "plm_rsh_agent", shell, "--mca", "pml", "ob1", "--mca", "btl", "tcp,self,vader",
                         "--mca", "btl_tcp_if_include", "eth0", "--mca", "oob_tcp_if_include", "eth0",
                         "--hostfile", made.path("hosts.openmpi")]


def spread(made, mpi, ranks):
    """Writes the list of hosts so that each gets as many ranks as the others."""
    slots = -(-ranks // len(made.hosts))
    entry = "{}:{}\n" if mpi.name == "mpich" else "{} slots={}\n"
    made.write("hosts." + mpi.name, "".join(entry.format(host.name, slots) for host in made.hosts))
