"""Jobs over tcp on hosts of a bed: names and addresses, what users mistype, and networks that are not good.

netns_tcp_test.py BUILD
"""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns_support
from netns_support import LONG, BedTest, built

CG = ("nas", "cg")


class FourHosts(BedTest):
    hosts = 4

    def on_all(self, names, *words, **options):
        return self.mpirun("--hostfile", self.hostfile(names), *words, **options)

    def test_hosts_by_names_and_by_addresses(self):
        for names in ([h.name for h in self.bed.hosts], [h.ipv4() for h in self.bed.hosts], [h.ipv6() for h in self.bed.hosts]):
            with self.subTest(names=names):
                done = self.on_all(names, built("examples", "hello"))
                self.assertEqual((done.status, done.err), (0, ""), str(done))
                found = re.findall(r"hello from rank (\d) of 8 on (\S+)", done.out)
                self.assertEqual(sorted(found), [(str(r), f"node{r // 2}") for r in range(8)])
                done = self.on_all(names, built("examples", "ring"))
                self.assertEqual((done.status, done.err), (0, ""), str(done))

    def test_addresses_alone_ask_nobody_for_names(self):
        # What would be asked is not there; and what looks for it would be seen.
        names = [h.ipv4() for h in self.bed.hosts]
        for host in self.bed.hosts:
            host.nft("output udp dport 53 counter drop\noutput tcp dport 53 counter drop")
        self.assert_verifies(self.on_all(names, built("examples", *CG), "--class", "S"))
        for host in self.bed.hosts:
            rules = host.run(["nft", "list", "table", "inet", "bed"]).stdout
            self.assertEqual(re.findall(r"counter packets (\d+)", rules), ["0", "0"], rules)

    def test_messages_of_all_sizes_by_wildcards(self):
        self.assert_right(self.on_all(None, self.program, "traffic", "1"))

    def test_loss(self):
        for host in self.bed.hosts:
            host.lose(1)
        self.assert_verifies(self.on_all(None, built("examples", *CG), "--class", "S", limit=300))
        if LONG:
            self.assert_right(self.on_all(None, self.program, "traffic", "1", limit=300))

    def test_rate(self):
        for host in self.bed.hosts:
            self.assertTrue(host.shape("tbf rate 200mbit burst 64kb latency 20ms"))
        self.assert_right(self.on_all(None, self.program, "traffic", "1", limit=300))

    def test_delay(self):
        for host in self.bed.hosts:
            if not host.shape("netem delay 5ms 2ms"):
                self.skipTest("this kernel has no netem")
        self.assert_right(self.on_all(None, self.program, "traffic", "1", limit=300))


class TwoHosts(BedTest):
    networks = 2

    def test_conformance(self):
        for chapter in ("pt2pt", "coll") if LONG else ("pt2pt",):
            with self.subTest(chapter=chapter):
                done = self.mpirun("-host", "node0:2,node1:2", "-n", 4, built("test", "conformance", f"conformance_{chapter}"), limit=300)
                self.assertEqual(done.status, 0, str(done))
                self.assertRegex(done.out, r"\[  PASSED  \] \d\d+ tests")

    def test_streams(self):
        text = "".join(f"line {i}\n" for i in range(200000)).encode()
        done = self.mpirun("-host", "node0,node1", "-n", 2, "--stdin", 1, "cat", data=text)
        self.assertEqual((done.status, done.out.encode() == text, done.err), (0, True, ""))
        done = self.mpirun("-host", "node1", "-n", 2, "sh", "-c", "echo out; echo err >&2")
        self.assertEqual((done.status, done.out, done.err), (0, "out\n" * 2, "err\n" * 2))

    def hello(self, *words, **options):
        return self.mpirun("-host", "node0,node1", *words, built("examples", "hello"), **options)

    def assert_says_hello(self, done, *patterns):
        self.assertEqual(done.status, 0, str(done))
        self.assertEqual(len(re.findall("hello from rank", done.out)), 2, str(done))
        for pattern in patterns:
            self.assertRegex(done.err, pattern)

    def way(self, **settings):
        """The addresses that a job says it uses."""
        done = self.mpirun("-host", "node0,node1", self.program, "traffic", "0", env={"FATHOM_VERBOSE": "1", **settings})
        self.assert_right(done)
        found = re.findall(r"tcp to rank \d by (\S+):(\d+) - (\S+):(\d+)", done.err)
        self.assertTrue(found, done.err)
        return found

    # --- interfaces ---

    def test_a_dead_interface_is_found_out(self):
        for dead in (0, 1):
            # The remote shell needs a living one.
            shell = self.bed.write("rsh", f'#!/bin/sh\nexec {self.bed.rsh} "{self.bed.hosts[1].ipv4(1 - dead)}" "$2"\n')
            os.chmod(shell, 0o755)
            self.bed.hosts[1].link(False, dead)
            for here, _, there, _ in self.way(FATHOM_RSH=shell):
                self.assertRegex(here + there, rf"^(10\.77\.{1 - dead}\.|\[fd77:{1 - dead if dead == 0 else ':'}).*")
            self.bed.hosts[1].link(True, dead)

    def test_interface(self):
        for setting, pattern in (("eth1", r"^(10\.77\.1\.|\[fd77:1:)"), ("10.77.1.0/24", r"^10\.77\.1\."),
                                 ("^eth0", r"^(10\.77\.1\.|\[fd77:1:)"), ("fd77::/64", r"^\[fd77::")):
            with self.subTest(setting=setting):
                for here, _, there, _ in self.way(FATHOM_TCP_INTERFACE=setting):
                    self.assertRegex(here, pattern)
                    self.assertRegex(there, pattern)

    # --- networks that are not whole ---

    def test_ipv6_alone(self):
        for host in self.bed.hosts:
            host.ip("".join(f"addr del {host.ipv4(n)}/24 dev eth{n}\n" for n in (0, 1)))
        for here, _, there, _ in self.way():
            self.assertRegex(here + there, r"^\[fd77:.*\]\[fd77:")

    def test_connections_in_one_direction(self):
        # Rank 0 of the ring has to send first, in one of two cases to a host that takes no connection.
        for host in self.bed.hosts:
            with self.subTest(closed=host.name):
                host.nft("input tcp dport 22 accept\ninput tcp flags & (syn | ack) == syn drop")
                done = self.mpirun("-v", "-host", "node0,node1", built("examples", "ring"))
                self.assertEqual(done.status, 0, str(done))
                self.assertRegex(done.out, r"token \d+, expected")
                found = re.findall(r"tcp to rank \d by (\S+):(\d+) - (\S+):(\d+)", done.err)
                self.assertTrue(found, str(done))
                host.nft("")

    def relays(self, milliseconds):
        """Makes all of tcp but ssh that leaves a host pass a relay there. What the relays say comes at their end."""
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "netns_relay.py")
        rules = ("table ip relay {\nchain output {\ntype nat hook output priority -100\noif lo accept\nmeta mark 7 accept\n"
                 "tcp dport 22 accept\nmeta l4proto tcp redirect to :9\n}\n}\n")
        relays = []
        for host in self.bed.hosts:
            done = host.run(["nft", "-f", "-"], rules)
            if done.returncode != 0:
                self.skipTest("this kernel translates no addresses: " + done.stderr)
            self.addCleanup(host.run, ["nft", "delete", "table", "ip", "relay"])
            relays.append(host.popen([sys.executable, "-B", script, "9", str(milliseconds)], stdout=subprocess.PIPE, text=True))
            self.assertEqual(relays[-1].stdout.readline(), "ready\n")
        return relays

    def test_a_long_way(self):
        # 5 ms in each direction. The kernel's own delays, where it has them, are test_delay's.
        relays = self.relays(5)
        ipv4 = {"FATHOM_TCP_INTERFACE": "10.77.0.0/24"}
        words = ("-host", "node0:2,node1:2", "-n", "4")
        self.assert_right(self.mpirun(*words, self.program, "traffic", "1", env=ipv4))
        self.assert_verifies(self.mpirun(*words, built("examples", "nas", "is"), "--class", "S", env=ipv4))
        self.bed.kill_all()
        passed = [relay.communicate()[0] for relay in relays]
        self.assertNotEqual(passed, ["", ""], "nothing has passed a relay")

    def test_an_interface_that_is_not_there(self):
        done = self.hello(env={"FATHOM_TCP_INTERFACE": "eth7"})
        self.assertNotEqual(done.status, 0)
        self.assertIn("eth7", done.err)

    def test_port_range(self):
        ports = {int(port) for way in self.way(FATHOM_PORT_RANGE="4000:4003") for port in (way[1], way[3])}
        self.assertTrue(ports & set(range(4000, 4004)), str(ports))
        done = self.hello(env={"FATHOM_PORT_RANGE": "4000-nonsense"})
        self.assertNotEqual(done.status, 0)
        self.assertIn("FATHOM_PORT_RANGE", done.err)

    # --- remote shells ---

    def test_shells_of_other_words(self):
        ssh = self.bed.rsh
        quiet = self.bed.write("a quiet shell", f'#!/bin/sh\n[ "$1" = -q ] || exit 9\nshift\nhost=$1\nshift\nexec {ssh} $host "$@"\n')
        os.chmod(quiet, 0o755)
        for shell in (ssh, ssh + " -o Compression=yes", f'"{quiet}" -q', f"env LC_ALL=C {ssh}"):
            with self.subTest(shell=shell):
                self.assert_says_hello(self.hello(env={"FATHOM_RSH": shell}))

    def test_a_shell_that_wants_a_password(self):
        done = self.hello(env={"FATHOM_RSH": self.bed.rsh_of("ssh_stranger")})
        self.assert_fails(done, "host node1: .*Permission denied")

    def test_an_unreachable_host(self):
        self.assert_fails(self.mpirun("-host", "node0,10.77.0.99", "true"), r"host 10\.77\.0\.99: .*(No route to host|timed out)")
        self.assert_fails(self.mpirun("-host", "node0,nonsuch", "true"), "host nonsuch: .*resolve")
        self.bed.hosts[1].link(False)
        self.bed.hosts[1].link(False, 1)
        self.assert_fails(self.hello(), r"host node1: .*(No route to host|timed out)")

    def test_another_version(self):
        # The answer of a proxy: greeting, then a frame of version and CPUs.
        shell = self.bed.write("old", r"""#!/bin/sh
            printf '\nFATHOM-PROXY-1\n\025\000\000\000\040'
            printf '\005\000\000\000\000\000\000\0000.0.1\001\000\000\000\000\000\000\000'; sleep 5""")
        os.chmod(shell, 0o755)
        self.assert_fails(self.hello(env={"FATHOM_RSH": shell}), r"host node1: .*0\.0\.1.*this host has \d")

    def test_hostfiles_with_errors(self):
        for text, line in (("node0\nnode1 slots=many\n", 2), ("\n# one\nnode0 slots\n", 3), ("node0:0\n", 1),
                           ("node0\n-oProxyCommand=x\n", 2), ("node0\nno de1\n", 2), ("node0\n\0\n", 2)):
            with self.subTest(text=text):
                done = self.mpirun("--hostfile", self.bed.write("bad", text), "true")
                self.assertEqual((done.status, done.out), (2, ""), str(done))
                self.assertRegex(done.err, f"bad.*line {line}: ")


if __name__ == "__main__":
    netns_support.main()
