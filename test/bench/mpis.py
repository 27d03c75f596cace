"""The MPIs that can be measured: where their tools are and how their users start programs."""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess


@dataclasses.dataclass
class Mpi:
    name: str
    title: str
    wrapper: str
    launcher: list
    # Words that its users need only where ranks exceed cores.
    oversubscribe: list
    version: str = ""
    environment: dict = dataclasses.field(default_factory=dict)

    def command(self, ranks, program, cores):
        words = list(self.launcher)
        if ranks > cores:
            words += self.oversubscribe
        return words + ["-n", str(ranks)] + program

    def shown_launcher(self):
        text = " ".join([os.path.basename(self.launcher[0])] + self.launcher[1:] + ["-n N"])
        if self.oversubscribe:
            text += f" ({' '.join(self.oversubscribe)} where ranks exceed cores)"
        return text


# Debian's names. Root is refused by Open MPI without a word; that word changes no figure.
PEERS = {
    "mpich": {"title": "MPICH", "suffix": "mpich", "launcher": "mpiexec.mpich",
              "packages": "mpich libmpich-dev", "root": [], "oversubscribe": []},
    "openmpi": {"title": "Open MPI", "suffix": "openmpi", "launcher": "mpirun.openmpi",
                "packages": "openmpi-bin libopenmpi-dev", "root": ["--allow-run-as-root"],
                "oversubscribe": ["--oversubscribe"]},
}


def output_of(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def version_of(launcher):
    """The first word of its --version that looks like 1.2 or 1.2.3, or nothing."""
    found = re.search(r"\b\d+\.\d+(\.\d+)?\w*", output_of([launcher, "--version"]))
    return found.group(0) if found else ""


def install(packages):
    """Installs Debian packages where that can be done; says whether it was tried."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    subprocess.run(["apt-get", "install", "-y"] + packages.split(), env=environment,
                   stdout=subprocess.DEVNULL, check=False)
    return True


def find_peer(name):
    entry = PEERS[name]

    def tools():
        return shutil.which("mpicxx." + entry["suffix"]), shutil.which(entry["launcher"])

    if None in tools():
        install(entry["packages"])
    wrapper, launcher = tools()
    if wrapper is None or launcher is None:
        return None
    version = version_of(launcher)
    root = entry["root"] if os.geteuid() == 0 else []
    return Mpi(name, entry["title"], wrapper, [launcher] + root, entry["oversubscribe"], version)


def how_to_install(name):
    entry = PEERS[name]
    return (f"{entry['title']} is not here, so it is left out "
            f"(apt-get install {entry['packages']})")


def is_prefix(prefix):
    return all(os.access(prefix / "bin" / tool, os.X_OK) for tool in ("mpicxx", "mpirun"))


def fathom(prefix):
    prefix = pathlib.Path(prefix).resolve()
    launcher = str(prefix / "bin" / "mpirun")
    return Mpi("fathom", "Fathom", str(prefix / "bin" / "mpicxx"), [launcher], [],
               version_of(launcher))


def build_fathom(root):
    """Brings root/build up to date; None where it cannot be built."""
    build = root / "build"
    if shutil.which("meson") is None or shutil.which("ninja") is None:
        install("meson ninja-build")
    try:
        if not (build / "build.ninja").exists():
            subprocess.run(["meson", "setup", str(build), str(root)], check=True,
                           stdout=subprocess.DEVNULL)
        subprocess.run(["ninja", "-C", str(build)], check=True, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        if is_prefix(build):
            print(f"bench: using build/ as it is ({error})")
            return build
        return None
    return build
