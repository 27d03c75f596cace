"""What dies, when it dies: the job ends with one message that names it, and nothing is left on any host.

netns_faults_test.py BUILD
"""

import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns_support
from launch_support import wait_until
from netns_support import LONG, BedTest

PHASES = ("start", "middle", "finalize")
# By default all phases of what happens most, and one of the rest.
FEW = PHASES if LONG else ("middle",)
KILLED = 128 + signal.SIGKILL
SILENT = r"host node1: .*(nothing was heard|No route to host|timed out|closed|broke)"


class Deaths(BedTest):
    hosts = 3

    def job(self, phase):
        words = {"start": ["start"], "middle": ["traffic", 600], "finalize": ["finalize"]}[phase]
        process = self.start_up("--hostfile", self.hostfile(), self.program, *map(str, words))
        if phase == "finalize":
            time.sleep(0.2)  # until they are in it, most likely
        return process

    def in_each_phase(self, hurt, *patterns, status=None, phases=PHASES):
        for phase in phases:
            with self.subTest(phase=phase):
                process = self.job(phase)
                hurt()
                self.assert_fails(self.finish(process), *patterns, status=status)
                # As nobody can reach a host whose cable is out, what runs there notices by itself.
                self.assertEqual(self.bed.left(netns_support.LIMIT_S), [])
                self.bed.restore()

    def kill(self, host, name):
        """Of one process, the last of its name; it may have to come first. A child that has its parent's name is to be another soon."""
        host = self.bed.hosts[host]
        self.assertTrue(wait_until(lambda: host.processes(name), 120))
        named = host.processes(name)
        pids = {process.pid for process in named}
        os.kill([process for process in named if process.parent not in pids][-1].pid, signal.SIGKILL)

    def test_of_a_rank(self):
        self.in_each_phase(lambda: self.kill(1, "netns_program"), r"rank [23] .* on host node1 was killed by signal 9", status=KILLED)

    def test_of_a_rank_beside_mpirun(self):
        self.in_each_phase(lambda: self.kill(0, "netns_program"), r"rank [01] .* on host node0 was killed by signal 9", status=KILLED, phases=FEW)

    def test_of_a_proxy(self):
        self.in_each_phase(lambda: self.kill(1, "fathom-proxy"), "host node1: the connection was closed", status=1)

    def test_of_a_keeper(self):
        self.in_each_phase(lambda: self.kill(2, "fathom-keeper"), "host node2: .*keeps the ranks.*killed", phases=FEW)

    def test_of_the_keeper_beside_mpirun(self):
        self.in_each_phase(lambda: self.kill(0, "fathom-keeper"), "host node0: .*keeps the ranks.*killed", phases=FEW)

    def test_of_a_remote_shell(self):
        self.in_each_phase(lambda: self.kill(0, "ssh"), "host node[12]: the connection was closed", status=1, phases=FEW)

    def test_of_sshd(self):
        self.in_each_phase(lambda: self.bed.hosts[1].kill("sshd"), "host node1: the connection was closed", status=1, phases=FEW)

    def test_of_mpirun(self):
        for phase in FEW:
            with self.subTest(phase=phase):
                process = self.job(phase)
                self.kill(0, "mpirun")
                process.communicate()
                self.assertEqual(self.bed.left(netns_support.LIMIT_S), [])

    def test_of_a_host(self):
        # All at once, as when a machine is switched off.
        def switch_off():
            self.bed.hosts[1].link(False)
            for process in self.bed.hosts[1].processes():
                try:
                    os.kill(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.in_each_phase(switch_off, SILENT, status=1, phases=FEW)

    def test_of_a_cable(self):
        self.in_each_phase(lambda: self.bed.hosts[1].link(False), SILENT, status=1, phases=FEW)

    @unittest.skipUnless(LONG, "FATHOM_TEST_LONG is not set")
    def test_of_an_interface(self):
        self.in_each_phase(lambda: self.bed.hosts[1].ip("link set eth0 down\n"), SILENT, status=1, phases=FEW)

    @unittest.skipUnless(LONG, "FATHOM_TEST_LONG is not set")
    def test_of_a_cable_while_hosts_are_being_started(self):
        # The shell gets through, and then there is silence.
        shell = self.bed.write("slow", f'#!/bin/sh\nexec {self.bed.rsh} "$1" "sleep 2; $2"\n')
        os.chmod(shell, 0o755)
        process = self.start("--hostfile", self.hostfile(), "-n", "6", "true", env={"FATHOM_RSH": shell})
        self.assertTrue(wait_until(lambda: self.bed.hosts[1].processes("sleep"), 120))
        self.bed.hosts[1].link(False)
        self.assert_fails(self.finish(process), SILENT)
        self.bed.hosts[1].link(True)

    def test_signals_reach_all_hosts(self):
        for number in (signal.SIGINT, signal.SIGTERM) if LONG else (signal.SIGINT,):
            process = self.job("middle")
            os.kill(self.first.processes("mpirun")[0].pid, number)
            self.assert_fails(self.finish(process), "ended by SIG(INT|TERM)", status=128 + number)


class CutLinks(BedTest):
    """Two hosts do not reach each other, and nobody is dead: who finds out has the job ended."""

    hosts = 3

    def cut(self, host, other):
        host.nft("".join(f"{chain} {kind} {end} {address} drop\n" for kind, address in (("ip", other.ipv4()), ("ip6", other.ipv6()))
                         for chain, end in (("input", "saddr"), ("output", "daddr"))))

    def test_between_two_others(self):
        # By default an error ends its process; and one that has it returned is not the only one to hear of it.
        for words in (("traffic", "600"), ("endure",)):
            with self.subTest(words=words):
                process = self.start_up("--hostfile", self.hostfile(), self.program, *words, env={"FATHOM_TCP_TIMEOUT": "2"})
                self.cut(*self.bed.hosts[1:])
                done = self.finish(process)
                self.assert_fails(done, r"rank ([23] .* on host node1 lost rank [45] on host node2|[45] .* on host node2 lost rank [23] on host node1): "
                                  r"tcp: host node[12]: .*(10\.77\.0\.|\[fd77::)[23]\S*:\d+ \(.+\).*; the job is ended", status=1)
                self.assertEqual(len(done.err.splitlines()), 1, str(done))
                self.bed.restore()


class Mending(BedTest):
    """A connection that breaks is mended: no message is lost, none comes twice."""

    def traffic(self, seconds, hurt, **options):
        process = self.start_up("-host", "node0:2,node1:2", "-n", "4", self.program, "traffic", str(seconds), **options)
        end = time.monotonic() + seconds - 1
        times = 0
        while time.monotonic() < end:
            hurt()
            times += 1
            time.sleep(0.2)
        self.assertGreater(times, 0)
        self.assert_right(self.finish(process))

    def ways(self):
        """The ports of the ranks' connections, as (source, destination), seen from node0."""
        text = self.first.run(["ss", "-Htn", "state", "established"]).stdout
        ends = [tuple(int(word.rsplit(":", 1)[1]) for word in line.split()[2:4]) for line in text.splitlines()]
        return [ports for ports in ends if 22 not in ports]

    def test_resets(self):
        # Whatever is sent to one port of a connection is answered by a reset, for a moment.
        def hurt():
            ways = self.ways()
            if ways:
                source, destination = ways[0]
                self.first.nft(f"input tcp sport {destination} tcp dport {source} reject with tcp reset")
                time.sleep(0.05)
                self.first.nft("")
        self.traffic(4, hurt)

    def test_resets_of_all_for_a_second(self):
        done = []
        def hurt():
            if not done:
                # Two inequalities in one rule are merged wrongly by some nft.
                self.first.nft("input tcp sport 22 accept\ninput tcp dport 22 accept\ninput meta l4proto tcp reject with tcp reset")
                time.sleep(1)
                self.first.nft("")
                done.append(True)
        self.traffic(4, hurt)

    def test_killed_sockets(self):
        done = self.first.run(["ss", "-K", "state", "established", "dst", "127.9.9.9"])
        if done.returncode != 0 or "not supported" in done.stderr:
            self.skipTest("this kernel does not close others' sockets")
        self.traffic(4, lambda: self.first.run(["ss", "-K", "state", "established", "sport", "!=", ":22", "and", "dport", "!=", ":22"]))

    def test_silence(self):
        # Shorter than what the heart-beats bear.
        done = []
        def hurt():
            if not done:
                self.bed.hosts[1].link(False)
                time.sleep(1.5)
                self.bed.hosts[1].link(True)
                done.append(True)
        self.traffic(4, hurt)


if __name__ == "__main__":
    netns_support.main()
