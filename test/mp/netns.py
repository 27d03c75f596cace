"""Hosts for tests and benchmarks, made of namespaces: each has its own network, host name, processes,
/dev/shm and sshd, and they are joined by bridges. All traffic stays on this machine.

    with netns.Bed(4) as bed:
        done = bed.hosts[0].run(["hostname"])

Nothing of it has a name outside: namespaces live as long as their first process, and that is killed by the
kernel when the process that made the bed ends, however it ends. What may stay behind then is the folder with
the keys; the next bed removes it.

Host i (from 0) is called `node<i>`; in network n it has the interface `eth<n>`, 10.77.<n>.<i+1> and
fd77:<n>::<i+1>. All know each other by name; `/tmp` and the rest of the file system are shared, as a cluster's
home directories are. `ssh` between them needs `-F` with the configuration that `Bed.rsh` names; nothing of
the machine's or the user's ssh is touched.

    python3 netns.py [--networks N] HOSTS COMMAND...    runs a command on the first of so many hosts
"""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

MOST_HOSTS = 32
PR_SET_PDEATHSIG = 1
PREFIX = "fathom-hosts-"
NEEDED = ("ip", "tc", "nft", "unshare", "nsenter", "mount", "ssh", "ssh-keygen", "sshd")
SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin"

# First on a host: its own files where hosts differ; then, when its network is there, sshd, which as the
# first process also waits for orphans.
INIT = """
set -e
mount -t proc proc /proc
mount -t tmpfs -o size=75% shm /dev/shm
mount -t tmpfs run /run
mkdir /run/sshd
mount --bind "$1/hosts" /etc/hosts
mount --bind "$1/shadow" /etc/shadow
mount --bind "$1/passwd" /etc/passwd
echo "$2" >/proc/sys/kernel/hostname
read -r go
exec "$3" -D -e -f "$1/sshd_config"
"""

SSHD_CONFIG = """
Port 22
HostKey {dir}/host_key
AuthorizedKeysFile {dir}/user_key.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
StrictModes no
PrintMotd no
PrintLastLog no
PidFile none
MaxStartups 200
MaxSessions 200
ClientAliveInterval 1
ClientAliveCountMax 10
"""

SSH_CONFIG = """
Host *
    User root
    IdentityFile {dir}/{key}
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {dir}/known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    BatchMode {batch}
    ConnectTimeout 30
    ControlPath none
    ForwardX11 no
    RequestTTY no
    LogLevel ERROR
"""


class Problem(Exception):
    """What a bed needs does not work here."""


def tool(name):
    return shutil.which(name, path=SYSTEM_PATH)


def missing():
    """Why there can be no hosts here, or an empty string."""
    if os.geteuid() != 0:
        return "hosts as namespaces need root"
    absent = [name for name in NEEDED if not tool(name)]
    if absent:
        return "not installed: " + " ".join(absent)
    tried = subprocess.run([tool("unshare"), "--net", "--uts", "--mount", "--pid", "--fork", "true"], capture_output=True)
    return "" if tried.returncode == 0 else "no namespaces here: " + tried.stderr.decode(errors="replace").strip()


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def call(argv, text=None):
    """Runs one of the system's tools."""
    argv = [tool(argv[0]) or argv[0], *argv[1:]]
    done = subprocess.run(argv, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise Problem(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def child_of(pid, seconds=120):
    """The one child of a process."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            words = file.read().split()
        if words:
            return int(words[0])
        time.sleep(0.002)
    raise Problem(f"process {pid} has started nothing")


def sweep():
    """Removes the folders of beds whose makers are dead."""
    for name in os.listdir(tempfile.gettempdir()):
        found = re.fullmatch(PREFIX + r"(\d+)-.*", name)
        if found and not os.path.exists(f"/proc/{found[1]}"):
            shutil.rmtree(os.path.join(tempfile.gettempdir(), name), ignore_errors=True)


class Process:
    """A process of a host, as the maker of the bed sees it."""

    def __init__(self, pid, name, command, parent):
        self.pid, self.name, self.command, self.parent = pid, name, command, parent

    def __repr__(self):
        return f"{self.pid} {self.name}: {self.command[:80]}"


class Host:
    def __init__(self, bed, number):
        self.bed, self.number, self.name = bed, number, f"node{number}"
        with open(bed.path(f"sshd.{number}"), "wb") as log:
            self.starter = subprocess.Popen(
                [tool("unshare"), "--net", "--uts", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "sh", "-c",
                 INIT, "init", bed.directory, self.name, tool("sshd")],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log, preexec_fn=die_with_parent)
        self.pid = child_of(self.starter.pid)
        self.pid_namespace = os.readlink(f"/proc/{self.pid}/ns/pid")

    # --- network ---

    def ipv4(self, network=0):
        return f"10.77.{network}.{self.number + 1}"

    def ipv6(self, network=0):
        return f"fd77:{network}::{self.number + 1:x}"

    def ip(self, commands):
        """Commands of ip, one a line, inside."""
        call(["nsenter", "-t", str(self.pid), "-n", tool("ip"), "-batch", "-"], commands)

    def configure(self):
        lines = "link set lo up\n"
        for n in range(self.bed.networks):
            lines += f"link set eth{n} up\naddr replace {self.ipv4(n)}/24 dev eth{n}\n"
            lines += f"addr replace {self.ipv6(n)}/64 dev eth{n} nodad\n"
        # Who was out of reach is to be looked for anew.
        self.ip(lines + "neigh flush all\n")

    def link(self, up, network=0):
        """The cable of an interface: out of the bridge, or in again. The host sees nothing but silence."""
        self.bed.switch_ip(f"link set {self.port(network)} {'up' if up else 'down'}\n")

    def port(self, network=0):
        return f"p{self.number}n{network}"

    def nft(self, rules):
        """Replaces the packet filter: lines for chains `input` and `output`, or nothing. Loopback is left alone."""
        table = "table inet bed\ndelete table inet bed\n"
        if rules:
            chains = {"input": "", "output": ""}
            for line in rules.strip().splitlines():
                chain, rule = line.split(None, 1)
                chains[chain] += rule + "\n"
            table += "table inet bed {\n" + "".join(
                f"chain {name} {{\ntype filter hook {name} priority 0\n{'iif' if name == 'input' else 'oif'} lo accept\n{text}}}\n"
                for name, text in chains.items()) + "}\n"
        call(["nsenter", "-t", str(self.pid), "-n", tool("nft"), "-f", "-"], table)

    def lose(self, percent, network=0):
        """So many of a hundred incoming packets are lost."""
        chance = f"numgen random mod 100 < {percent} " if percent < 100 else ""
        self.nft(f'input iifname "eth{network}" {chance}drop' if percent else "")

    def shape(self, words, network=0):
        """A queueing discipline in tc's words, or none. False where the kernel has no such."""
        argv = ["nsenter", "-t", str(self.pid), "-n", tool("tc"), "qdisc"]
        dev = ["dev", f"eth{network}", "root"]
        try:
            call([*argv, "replace", *dev, *words.split()] if words else [*argv, "del", *dev])
        except Problem as problem:
            if "unknown" not in str(problem):
                raise
            return False
        return True

    # --- processes ---

    def popen(self, command, cwd=None, env=None, **options):
        """Starts a command on the host. What is returned waits outside; `inside` gives the process itself."""
        argv = [tool("nsenter"), "-t", str(self.pid), "-n", "-u", "-m", "-p", "-i",
                "-W", os.path.abspath(cwd or os.getcwd()), *map(str, command)]
        environment = {**os.environ, "FATHOM_RSH": self.bed.rsh, **(env or {})}
        return subprocess.Popen(argv, env=environment, preexec_fn=die_with_parent, **options)

    def run(self, command, data=None, timeout=120, **options):
        """Runs a command to its end: subprocess.CompletedProcess with text."""
        process = self.popen(command, stdin=subprocess.PIPE if data is not None else subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", **options)
        try:
            out, err = process.communicate(data, timeout=timeout)
        except subprocess.TimeoutExpired:
            self.bed.kill_all()
            process.communicate()
            raise
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def processes(self, name=None):
        """The living processes of the host but its sshd, as (outer) pids, oldest first."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == self.pid:
                continue
            try:
                if os.readlink(f"/proc/{entry}/ns/pid") != self.pid_namespace:
                    continue
                with open(f"/proc/{entry}/stat") as file:
                    text = file.read()
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    command = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue
            state, parent = text[text.rindex(")") + 2:].split()[:2]
            if state != "Z":
                found.append(Process(int(entry), text[text.index("(") + 1:text.rindex(")")], command, int(parent)))
        return sorted((p for p in found if name in (None, p.name)), key=lambda p: p.pid)

    def kill(self, name, number=signal.SIGKILL):
        """Sends a signal to all processes of a name; tells how many."""
        victims = self.processes(name)
        for victim in victims:
            os.kill(victim.pid, number)
        return len(victims)

    def shm(self):
        """What lies in the host's /dev/shm."""
        return os.listdir(f"/proc/{self.pid}/root/dev/shm")


class Bed:
    def __init__(self, hosts, networks=1):
        if not 1 <= hosts <= MOST_HOSTS:
            raise Problem(f"from 1 to {MOST_HOSTS} hosts")
        sweep()
        self.networks, self.hosts, self.switch = networks, [], None
        self.directory = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")
        try:
            self.make(hosts)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    @property
    def rsh(self):
        """The remote shell for FATHOM_RSH."""
        return self.rsh_of("ssh_config")

    def rsh_of(self, config):
        return f"{tool('ssh')} -x -T -F {self.path(config)}"

    # --- making ---

    def make(self, count):
        for key in ("host_key", "user_key", "stranger_key"):
            call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", self.path(key)])
        with open(self.path("host_key.pub")) as file:
            self.write("known_hosts", "* " + file.read())
        self.write("sshd_config", SSHD_CONFIG.format(dir=self.directory))
        self.write("ssh_config", SSH_CONFIG.format(dir=self.directory, key="user_key", batch="yes"))
        # As one who is not let in, and would be asked for a password.
        self.write("ssh_stranger", SSH_CONFIG.format(dir=self.directory, key="stranger_key", batch="no"))
        self.write("shadow", "root:*:19000:0:99999:7:::\nsshd:!:19000::::::\nnobody:*:19000:0:99999:7:::\n")
        # A shell that reads nobody's start-up files.
        with open("/etc/passwd") as file:
            self.write("passwd", re.sub(r"(?m)^(root:.*):[^:\n]*$", r"\1:/bin/sh", file.read()))
        self.write("hosts", "127.0.0.1 localhost\n::1 localhost\n" + "".join(
            f"10.77.0.{i + 1} node{i}\nfd77:0::{i + 1:x} node{i}\n" for i in range(count)))
        self.hosts = [Host(self, i) for i in range(count)]
        self.switch = subprocess.Popen([tool("unshare"), "--net", "--fork", "--kill-child", "sleep", "infinity"],
                                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       preexec_fn=die_with_parent)
        self.switch_pid = child_of(self.switch.pid)
        lines = ""
        for n in range(self.networks):
            lines += f"link add br{n} type bridge mcast_snooping 0\nlink set br{n} up\n"
            for host in self.hosts:
                port = host.port(n)
                lines += f"link add {port} type veth peer name eth{n} netns {host.pid}\n"
                lines += f"link set {port} master br{n}\nlink set {port} up\n"
        self.switch_ip(lines)
        for host in self.hosts:
            host.configure()
            host.starter.stdin.write(b"go\n")
            host.starter.stdin.close()
        self.wait_for_sshd()

    def switch_ip(self, commands):
        call(["nsenter", "-t", str(self.switch_pid), "-n", tool("ip"), "-batch", "-"], commands)

    def wait_for_sshd(self):
        deadline = time.monotonic() + 120
        for host in self.hosts:
            while not self.listens(host):
                if host.starter.poll() is not None or time.monotonic() > deadline:
                    with open(self.path(f"sshd.{host.number}"), errors="replace") as log:
                        raise Problem(f"no sshd on {host.name}: {log.read().strip()}")
                time.sleep(0.01)

    @staticmethod
    def listens(host):
        try:
            with open(f"/proc/{host.pid}/net/tcp") as file:
                return re.search(r": 0{8}:0016 0{8}:0000 0A ", file.read()) is not None
        except OSError:
            return False

    # --- state and end ---

    def kill_all(self):
        """Kills what runs on the hosts, but not the hosts."""
        for host in self.hosts:
            for process in host.processes():
                try:
                    os.kill(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def left(self, seconds=60):
        """What is still there on the hosts after so long: processes and files in /dev/shm, in words."""
        deadline = time.monotonic() + seconds
        while True:
            left = [f"{host.name}: {thing}" for host in self.hosts
                    for thing in [*host.processes(), *(f"/dev/shm/{name}" for name in host.shm())]]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.02)

    def restore(self):
        """Ends what runs, and mends what a test has done to the network."""
        self.kill_all()
        for host in self.hosts:
            host.nft("")
            for n in range(self.networks):
                host.link(True, n)
                if "noqueue" not in call(["nsenter", "-t", str(host.pid), "-n", tool("tc"), "qdisc", "show", "dev", f"eth{n}"]):
                    host.shape("", n)
            host.configure()

    def close(self):
        starters = [host.starter for host in self.hosts] + ([self.switch] if self.switch else [])
        for starter in starters:
            try:
                # The first process of a namespace takes all others with it, and unshare waits for it.
                os.kill(child_of(starter.pid, 0.1), signal.SIGKILL)
            except (OSError, Problem):
                starter.kill()
        for starter in starters:
            starter.wait()
        self.hosts, self.switch = [], None
        shutil.rmtree(self.directory, ignore_errors=True)


def main():
    words = sys.argv[1:]
    networks = 1
    if words[:1] == ["--networks"]:
        networks, words = int(words[1]), words[2:]
    if len(words) < 2:
        sys.exit(__doc__)
    why = missing()
    if why:
        sys.exit("netns: " + why)
    with Bed(int(words[0]), networks) as bed:
        sys.exit(bed.hosts[0].popen(words[1:]).wait())


if __name__ == "__main__":
    main()
