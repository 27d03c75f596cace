"""Strangers on the network: what they can reach, and that they do no harm.

netns_security_test.py BUILD

FATHOM_TEST_STRANGERS: how many connections are made to a running job (20000; with FATHOM_TEST_LONG
100000).
"""

import os
import re
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns_support
from netns_support import LONG, BedTest

ATTACK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "netns_attack.py")
STRANGERS = int(os.environ.get("FATHOM_TEST_STRANGERS", "100000" if LONG else "20000"))
SSH = 22


def listening(host):
    """(address, port) of all listening TCP sockets of a host, and of all bound UDP sockets."""
    found = []
    for name in ("tcp", "tcp6", "udp", "udp6"):
        with open(f"/proc/{host.pid}/net/{name}") as file:
            for line in file.readlines()[1:]:
                words = line.split()
                if name.startswith("tcp") and words[3] != "0A":
                    continue
                digits, port = words[1].split(":")
                raw = b"".join(bytes.fromhex(digits[i:i + 8])[::-1] for i in range(0, len(digits), 8))
                address = socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)
                if int(port, 16) != SSH:
                    found.append((address, int(port, 16)))
    return found


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


class Strangers(BedTest):
    hosts = 2
    networks = 2

    def job(self, *words, env=None):
        """A job that runs until it is told to end."""
        words = words or ("--hostfile", self.hostfile())
        return self.start_up(*words, self.program, "traffic", "3600",
                             env={"FATHOM_TEST_STOP": self.bed.path("stop"), **(env or {})})

    def end(self, process):
        """Its result has to be right."""
        self.bed.write("stop", "")
        done = self.finish(process)
        os.unlink(self.bed.path("stop"))
        self.assert_right(done)
        return done

    def targets(self):
        return [f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
                for host in self.bed.hosts for address, port in listening(host)]

    def test_sockets_listen_on_addresses_in_use_alone(self):
        process = self.job(env={"FATHOM_TCP_INTERFACE": "eth1"})
        found = [listening(host) for host in self.bed.hosts]
        self.end(process)
        for host, sockets in zip(self.bed.hosts, found):
            addresses = {address for address, _ in sockets}
            self.assertTrue(addresses)
            self.assertLessEqual(addresses, {host.ipv4(1), host.ipv6(1)})

    def test_a_job_on_one_host_listens_nowhere(self):
        process = self.job("-n", "2")
        found = listening(self.first)
        self.end(process)
        self.assertEqual(found, [])

    def test_a_flood(self):
        process = self.job(env={"FATHOM_VERBOSE": "1"})
        targets = self.targets()
        self.assertGreaterEqual(len(targets), 4)
        halves = [STRANGERS // 2, STRANGERS - STRANGERS // 2]
        attackers = [host.popen([sys.executable, "-B", ATTACK, half, *targets], stdout=-1, text=True)
                     for host, half in zip(self.bed.hosts, halves)]
        made = 0
        for attacker in attackers:
            said, _ = attacker.communicate(timeout=3600)
            numbers = re.fullmatch(r"made (\d+), answered 0, refused (\d+)\n", said)
            self.assertTrue(numbers, said)
            made += int(numbers[1])
        self.assertGreater(made, STRANGERS * 0.99)
        done = self.end(process)
        counted = sum(map(int, re.findall(r"tcp: (\d+) connections of strangers were dropped", done.err)))
        # Those that were reset before they were accepted never came to be.
        self.assertGreater(counted, made * 0.5, done.err)
        # Peers who meet on two ways at once leave one without a word.
        self.assertLessEqual(counted, made + 100)

    def test_a_port_scan(self):
        process = self.job(env={"FATHOM_PORT_RANGE": "20000:20099"})
        script = ("import socket, sys\n"
                  "for a in sys.argv[1:]:\n"
                  " for port in range(19900, 20200):\n"
                  "  s = socket.socket(socket.AF_INET6 if ':' in a else socket.AF_INET)\n"
                  "  if s.connect_ex((a, port)) == 0: print(port)\n"
                  "  s.close()\n")
        scan = self.first.run([sys.executable, "-c", script, *(f(n) for h in self.bed.hosts for f in (h.ipv4, h.ipv6) for n in (0, 1))])
        self.assertEqual((scan.returncode, scan.stderr), (0, ""))
        self.assertGreaterEqual(len(scan.stdout.split()), 8)
        self.end(process)

    def test_the_secret_is_nowhere_to_be_read(self):
        process = self.job()
        secrets = set()
        for host in self.bed.hosts:
            for rank in host.processes("netns_program"):
                secrets |= self.secrets_in(rank.pid)
        self.assertEqual(len(secrets), 1, "the test has to find the secret in the ranks' memory")
        secret = secrets.pop()
        for entry in filter(str.isdigit, os.listdir("/proc")):
            for name in ("cmdline", "environ", "comm"):
                self.assertNotIn(secret, read(f"/proc/{entry}/{name}"), f"{entry} {name}")
        for host in self.bed.hosts:
            for folder in ("/dev/shm", "/run", "/tmp", self.bed.directory):
                self.assertEqual(self.files_with(f"/proc/{host.pid}/root{folder}", secret), [])
        self.end(process)

    @staticmethod
    def secrets_in(pid):
        """64 hexadecimal digits, alone, in the writable memory of a process."""
        found = set()
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            for line in maps:
                first, permissions = line.split()[:2]
                begin, end = (int(word, 16) for word in first.split("-"))
                if not permissions.startswith("rw") or end - begin > 64 << 20:
                    continue
                try:
                    memory.seek(begin)
                    found |= set(re.findall(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", memory.read(end - begin)))
                except OSError:
                    continue
        return found

    @staticmethod
    def files_with(folder, secret):
        """Of the files that lie in a folder."""
        return [entry.path for entry in os.scandir(folder) if entry.is_file() and secret in read(entry.path)]


if __name__ == "__main__":
    netns_support.main()
