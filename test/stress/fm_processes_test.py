#!/usr/bin/env python3
"""Processes on an emulated Myrinet that are killed, or write nonsense where they can.

    fm_processes_test.py FM_FABRIC FM_PROCESS
"""

import ctypes
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
import unittest
from pathlib import Path

FM_FABRIC = FM_PROCESS = ""
LIMIT_S = 60
KILLS = int(os.environ.get("FATHOM_SOAK_KILLS", "50"))


def end_with_parent() -> None:
    """Whatever becomes of the test, nothing of it stays."""
    ctypes.CDLL(None).prctl(1, 9)


class Fabric:
    """fm-fabric, as a process."""

    def __init__(self, *options: str) -> None:
        self.name = f"fathom-test-{os.getpid()}-{id(self)}"
        lifeline, self.lifeline = os.pipe()
        ready, ready_end = os.pipe()
        self.process = subprocess.Popen(
            [FM_FABRIC, "--listen", self.name, "--lifeline", str(lifeline), "--ready-fd", str(ready_end), "--report",
             *options], pass_fds=(lifeline, ready_end), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.close(lifeline)
        os.close(ready_end)
        assert select.select([ready], [], [], LIMIT_S)[0] and os.read(ready, 1)
        os.close(ready)

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def maps(self) -> int:
        return len(Path(f"/proc/{self.process.pid}/maps").read_text().splitlines())

    def memory_kb(self) -> int:
        text = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return int(text.split("Rss:")[1].split()[0])

    def end(self) -> dict:
        os.close(self.lifeline)
        out, err = self.process.communicate(timeout=LIMIT_S)
        assert (self.process.returncode, err) == (0, ""), (self.process.returncode, err)
        return json.loads(out)


class Job:
    """Processes that are attached and know each other."""

    key = 100

    def __init__(self, fabric: Fabric, *what: str) -> None:
        Job.key += 1
        self.processes = [
            subprocess.Popen([FM_PROCESS, fabric.name, str(Job.key), str(len(what)), str(node), word], bufsize=0,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=end_with_parent)
            for node, word in enumerate(what)]
        self.unread = [b""] * len(what)
        self.places = [self.line(node) for node in range(len(what))]
        assert all(place.isdigit() for place in self.places), self.places
        for node in range(len(what)):
            self.tell(node, " ".join(self.places))

    def tell(self, node: int, line: str) -> None:
        self.processes[node].stdin.write(line.encode() + b"\n")

    def line(self, node: int, within_s: float = LIMIT_S) -> str:
        """Its next line; several may have come at once."""
        deadline = time.monotonic() + within_s
        while b"\n" not in self.unread[node]:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self.processes[node].stdout], [], [], left)[0]:
                return "silence"
            said = os.read(self.processes[node].stdout.fileno(), 4096)
            if not said:
                return "end"
            self.unread[node] += said
        line, _, self.unread[node] = self.unread[node].partition(b"\n")
        return line.decode()

    def kill(self, node: int) -> None:
        self.processes[node].kill()
        self.processes[node].wait()

    def end(self) -> list[int]:
        """What processes return that have ended, or end; the rest is killed."""
        codes = []
        for process in self.processes:
            process.stdin.close()
            process.stdout.close()
            codes.append(process.wait(LIMIT_S))
        return codes


class Processes(unittest.TestCase):
    maxDiff = None

    def start(self, *options: str) -> Fabric:
        fabric = Fabric(*options)
        self.addCleanup(fabric.process.wait)
        self.addCleanup(fabric.process.kill)
        return fabric

    def expect_exchange(self, fabric: Fabric, nodes: int) -> None:
        job = Job(fabric, *["exchange"] * nodes)
        self.assertEqual([job.line(node) for node in range(nodes)], ["exchanged"] * nodes)
        self.assertEqual(job.end(), [0] * nodes)

    def one_death(self, fabric: Fabric, victim: str, after_s: float) -> None:
        job = Job(fabric, "outlive", victim)
        self.assertEqual(job.line(1), "sending")
        time.sleep(after_s)
        self.assertEqual(job.line(1, 0), "silence", victim)
        job.kill(1)
        job.tell(0, "dead")
        self.assertEqual(job.line(0), "lost node 1", victim)
        self.assertEqual(job.end(), [0, -signal.SIGKILL])

    def test_killed_in_mid_send_in_mid_put_and_asleep(self) -> None:
        # On one board messages touch no wire.
        for boards, kills in ((2, KILLS), (1, KILLS // 3)):
            with self.subTest(boards=boards):
                self.many_deaths(boards, kills)

    def test_killed_when_nothing_may_be_sent_to_it(self) -> None:
        for boards in (2, 1):
            with self.subTest(boards=boards):
                fabric = self.start("--boards", str(boards))
                job = Job(fabric, "starve", "idle")
                self.assertEqual([job.line(0), job.line(1)], ["sending", "sending"])
                self.assertEqual(job.line(0, 1.5), "silence", "it is alive")
                job.kill(1)
                self.assertEqual(job.line(0), "lost node 1")
                self.assertEqual(job.end(), [0, -signal.SIGKILL])
                fabric.end()

    def many_deaths(self, boards: int, kills: int) -> None:
        fabric = self.start("--boards", str(boards))
        chance = random.Random(3)
        deaths = [("send", "put", "idle")[i % 3] for i in range(kills)]
        for victim in deaths[:9]:
            self.one_death(fabric, victim, chance.random() * 0.02)
        self.wait_until_free(fabric, boards)
        descriptors, maps, memory = fabric.descriptors(), fabric.maps(), fabric.memory_kb()
        for victim in deaths:
            self.one_death(fabric, victim, chance.random() * 0.02)
        self.wait_until_free(fabric, boards)
        self.assertEqual(fabric.descriptors(), descriptors)
        self.assertLessEqual(fabric.maps(), maps + 4)
        self.assertLess(fabric.memory_kb(), memory + 1024)
        fabric.end()

    def wait_until_free(self, fabric: Fabric, boards: int) -> None:
        """All endpoints of all boards can be used by one job."""
        time.sleep(0.2)
        self.expect_exchange(fabric, 16 * boards)
        deadline = time.monotonic() + LIMIT_S
        # Four descriptors of its own for each endpoint that is open.
        while self.open_endpoints(fabric) != 0:
            self.assertLess(time.monotonic(), deadline, "endpoints of dead processes stay open")
            time.sleep(0.01)

    @staticmethod
    def open_endpoints(fabric: Fabric) -> int:
        count = 0
        for link in Path(f"/proc/{fabric.process.pid}/fd").iterdir():
            try:
                count += "fathom-fm-endpoint" in os.readlink(link)
            except FileNotFoundError:
                pass  # closed meanwhile
        return count

    def test_one_that_writes_nonsense_harms_itself_alone(self) -> None:
        fabric = self.start("--boards", "2")
        good = Job(fabric, "exchange", "exchange", "exchange")
        hostile = [Job(fabric, "scribble", "scribble") for _ in range(2)]
        for job in hostile:
            self.assertEqual([job.line(0), job.line(1)], ["sending", "sending"])
        noise = self.random_requests(fabric, 300)
        self.assertEqual([good.line(node) for node in range(3)], ["exchanged"] * 3)
        self.assertEqual(good.end(), [0, 0, 0])
        for job in hostile:  # one after the other, as the rest scribbles on
            self.expect_exchange(fabric, 4)
            self.assertEqual([job.line(0), job.line(1)], ["refused", "refused"])
            for node in range(2):
                job.kill(node)
            job.end()
        for open_socket in noise:
            open_socket.close()
        self.expect_exchange(fabric, 4)
        report = fabric.end()
        self.assertGreater(sum(board["bad_descriptors"] for board in report["boards"]), 0)

    @staticmethod
    def random_requests(fabric: Fabric, count: int) -> list[socket.socket]:
        """Connections that say nonsense; some stay open."""
        chance = random.Random(8)
        kept = []
        for number in range(count):
            one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            one.settimeout(LIMIT_S)
            one.connect("\0" + fabric.name)
            for _ in range(chance.randrange(4)):
                request = bytearray(chance.randbytes(1072))
                if number % 2:
                    request[:8] = bytes([1, 0, 0, 0, chance.randrange(6), 0, 0, 0])
                if number % 4 == 1:  # an endpoint that might be opened, and is
                    for at, value in ((8, 0), (16, 1), (20, 32), (24, 0), (28, chance.randrange(3))):
                        request[at:at + 4] = value.to_bytes(4, "little")
                try:
                    one.send(bytes(request[:chance.choice((3, 1072, 1072, 1072))]))
                except (BrokenPipeError, ConnectionResetError):
                    break
            if number % 20 == 0:
                kept.append(one)
            else:
                one.close()
        return kept


if __name__ == "__main__":
    FM_FABRIC, FM_PROCESS = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
