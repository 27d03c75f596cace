"""The hosts that other tests run on: that they differ where hosts do, and that nothing of them stays."""

import os
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns
from launch_support import wait_until


@unittest.skipIf(netns.missing(), netns.missing())
class Hosts(unittest.TestCase):
    def test_differ_and_reach_each_other(self):
        with netns.Bed(3, networks=2) as bed:
            first = bed.hosts[0]
            for host in bed.hosts:
                self.assertEqual(host.run(["hostname"]).stdout, host.name + "\n")
                for name in (host.name, host.ipv4(1), host.ipv6()):
                    done = first.run([*bed.rsh.split(), name, "hostname"])
                    self.assertEqual((done.stdout, done.stderr, done.returncode), (host.name + "\n", "", 0))
            first.run(["touch", "/dev/shm/one"])
            self.assertEqual([host.shm() for host in bed.hosts], [["one"], [], []])
            self.assertFalse(os.path.exists("/dev/shm/one"))
            first.run(["sh", "-c", "(sleep 600 & sleep 600 &) >/dev/null 2>&1"])
            # They bear another name until they have executed sleep.
            names = lambda: [p.name for p in first.processes()]
            self.assertTrue(wait_until(lambda: names() == ["sleep", "sleep"], 120), names())
            # On the others what served ssh may end late.
            self.assertTrue(wait_until(lambda: len(bed.left(0)) == 3, 120), bed.left(0))
            self.assertEqual(first.kill("sleep"), 2)
            os.unlink(f"/proc/{first.pid}/root/dev/shm/one")
            self.assertEqual(bed.left(), [])

    def test_strangers_are_not_let_in(self):
        with netns.Bed(1) as bed:
            done = bed.hosts[0].run([*bed.rsh_of("ssh_stranger").split(), "node0", "hostname"])
            self.assertEqual((done.returncode, done.stdout), (255, ""))
            self.assertIn("Permission denied", done.stderr)

    def test_networks_fail_as_told(self):
        with netns.Bed(2, networks=2) as bed:
            a, b = bed.hosts
            def reaches(network, seconds):
                limit = f"ConnectTimeout={seconds}"
                return a.run([*bed.rsh.split(), "-o", limit, b.ipv4(network), "true"]).returncode == 0
            # Where a way is open, a busy machine may take its time.
            opened = lambda network: reaches(network, 60)
            closed = lambda network: not reaches(network, 1)
            b.link(False)
            self.assertEqual((closed(0), opened(1)), (True, True))
            bed.restore()
            self.assertTrue(opened(0))
            b.lose(100, network=1)
            self.assertEqual((opened(0), closed(1)), (True, True))
            bed.restore()
            self.assertTrue(opened(1))
            self.assertTrue(b.shape("tbf rate 100mbit burst 64kb latency 50ms"))
            self.assertFalse(b.shape("nonsuch"))
            bed.restore()

    def test_nothing_stays_of_a_killed_bed(self):
        script = "import netns, time; bed = netns.Bed(2); print(bed.directory, *[h.pid for h in bed.hosts], bed.switch_pid, flush=True); time.sleep(60)"
        maker = subprocess.Popen([sys.executable, "-B", "-c", script], stdout=subprocess.PIPE, text=True,
                                 cwd=os.path.dirname(os.path.abspath(__file__)))
        directory, *pids = maker.stdout.readline().split()
        self.assertEqual(len(pids), 3)
        maker.kill()
        maker.communicate()
        deadline = time.monotonic() + 60
        while any(os.path.exists(f"/proc/{pid}/exe") for pid in pids):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        self.assertTrue(os.path.isdir(directory))
        netns.sweep()
        self.assertFalse(os.path.exists(directory))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    unittest.main()
