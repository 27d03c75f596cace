"""A Slurm of two nodes on this machine, for a test: munged, slurmctld and two slurmd.

All of it lives in namespaces of its own (processes, mounts, network, host name), so its ports, files and
processes meet nobody else's, and end with the test, however that ends. A test program calls enter() first.
"""

import os
import shutil
import subprocess
import sys
import time

TOOLS = ["munged", "slurmctld", "slurmd", "srun", "salloc", "sbatch", "sinfo", "unshare", "ip"]
ADDRESS = "10.99.0.1"  # Slurm resolves no name on a machine that has nothing but a loopback
NODES = ["n1", "n2"]
FOLDER = "/run/slurm"  # in a file system that only these namespaces see

CONFIGURATION = """
ClusterName=test
SlurmctldHost=bed({address})
SlurmUser=root
SlurmctldPort=17000
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmdSpoolDir={folder}/spool.%n
TmpFS={folder}/tmp.%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
KillWait=2
MpiDefault=none
NodeName=n[1-2] NodeHostname=bed NodeAddr={address} Port=[17001-17002] CPUs=4 RealMemory=500
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:8
"""


def missing():
    """Why there can be no Slurm here; empty when there can."""
    if os.geteuid() != 0:
        return "a Slurm of the test's own needs root"
    tools = [tool for tool in TOOLS if shutil.which(tool) is None]
    if tools:
        return "not installed: " + " ".join(tools) + " (sh tools/setup.sh)"
    try:
        subprocess.run(["unshare", "--pid", "--fork", "--mount", "--net", "--uts", "true"], check=True,
                       capture_output=True)
    except subprocess.CalledProcessError as error:
        return "no namespaces: " + error.stderr.decode().strip()
    return ""


def enter():
    """Goes on in namespaces of its own: this call returns in the program started anew."""
    if os.environ.pop("IN_SLURM_BED", None) is None:
        os.environ["IN_SLURM_BED"] = "1"
        os.execvp("unshare", ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--net",
                              "--uts", "--ipc", sys.executable, "-B", *sys.argv])


class Slurm:
    def __init__(self):
        self.daemons = []

    def path(self, name):
        return os.path.join(FOLDER, name)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "wb" if isinstance(text, bytes) else "w") as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def start(self):
        """Waits until both nodes are idle."""
        run = lambda *words: subprocess.run(words, check=True)
        run("mount", "-t", "tmpfs", "slurm", os.path.dirname(FOLDER))
        os.mkdir(FOLDER)
        run("hostname", "bed")
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "bed0", "type", "veth", "peer", "name", "bed1")
        run("ip", "addr", "add", ADDRESS + "/24", "dev", "bed0")
        for end in ("bed0", "bed1"):
            run("ip", "link", "set", end, "up")
        run("mount", "--bind", self.write("hosts", f"127.0.0.1 localhost\n{ADDRESS} bed n1 n2\n"), "/etc/hosts")
        for name in ["state"] + [kind + node for node in NODES for kind in ("spool.", "tmp.")]:
            os.mkdir(self.path(name))
        self.write("munge.key", os.urandom(128), 0o600)
        self.write("slurm.conf", CONFIGURATION.format(folder=FOLDER, address=ADDRESS))
        self.write("cgroup.conf", "CgroupPlugin=cgroup/v1\n")
        os.environ["SLURM_CONF"] = self.path("slurm.conf")
        self.daemon("munged", "--foreground", "--force", "--key-file", self.path("munge.key"),
                    "--socket", self.path("munge.socket"), "--pid-file", self.path("munge.pid"),
                    "--log-file", self.path("munge.log"), "--seed-file", self.path("munge.seed"))
        self.wait(lambda: os.path.exists(self.path("munge.socket")))
        self.daemon("slurmctld", "-D")
        for node in NODES:
            self.daemon("slurmd", "-D", "-N", node)
        self.wait(self.is_ready)

    def daemon(self, *words):
        with open(self.path(f"daemon{len(self.daemons)}.log"), "w") as log:
            self.daemons.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def is_ready(self):
        done = subprocess.run(["sinfo", "-h", "-o", "%T %D"], capture_output=True, text=True, timeout=240)
        return done.stdout.strip() == "idle 2"

    def wait(self, condition):
        deadline = time.monotonic() + 240
        while not condition():
            if time.monotonic() > deadline or any(d.poll() is not None for d in self.daemons):
                raise RuntimeError("Slurm does not start:\n" + self.logs())
            time.sleep(0.1)

    def logs(self):
        text = ""
        for number, daemon in enumerate(self.daemons):
            with open(self.path(f"daemon{number}.log")) as log:
                text += f"{daemon.args[0]}: {log.read()[-2000:]}\n"
        return text

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
