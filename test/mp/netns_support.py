"""What the tests on many hosts share: a bed per class, mpirun on its first host, and that nothing is left."""

import os
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns
from launch_support import Finished

BUILD = ""
# How soon a job that was hurt has to be over: the product promises 5 s, a busy machine takes longer.
LIMIT_S = 60
# The whole of each suite, and not what matters most: minutes more.
LONG = bool(os.environ.get("FATHOM_TEST_LONG"))


def built(*parts):
    """A program of the build tree."""
    return os.path.join(BUILD, *parts)


class BedTest(unittest.TestCase):
    hosts = 2
    networks = 1

    @classmethod
    def setUpClass(cls):
        why = netns.missing()
        if why:
            raise unittest.SkipTest(why)
        cls.bed = netns.Bed(cls.hosts, cls.networks)
        cls.addClassCleanup(cls.bed.close)
        cls.first = cls.bed.hosts[0]
        cls.program = built("test", "mp", "netns_program")

    def setUp(self):
        self.addCleanup(self.bed.restore)

    def tearDown(self):
        left = self.bed.left()
        self.assertEqual(left, [], "something was left on the hosts")

    def hostfile(self, names=None, slots=2):
        names = names or [host.name for host in self.bed.hosts]
        return self.bed.write("hostfile", "".join(f"{name} slots={slots}\n" for name in names))

    def start(self, *words, **options):
        """mpirun on the first host, in the background."""
        settings = dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        settings.update(options)
        return self.first.popen([built("mpi", "launch", "mpirun"), *words], **settings)

    def finish(self, process, data=None, limit=120):
        """Waits for it. One that hangs is killed, and the test fails."""
        begin = time.monotonic()
        try:
            out, err = process.communicate(data, timeout=limit)
        except subprocess.TimeoutExpired:
            seen = [f"{host.name}: {p}" for host in self.bed.hosts for p in host.processes()]
            self.bed.kill_all()
            out, err = process.communicate()
            self.fail(f"still running after {limit} s:\n" + "\n".join(seen) + f"\n{out!r}\n{err!r}")
        decode = lambda text: text.decode(errors="replace") if text else ""
        return Finished(process.returncode, decode(out), decode(err), time.monotonic() - begin)

    def mpirun(self, *words, data=None, limit=120, **options):
        if data is not None:
            options["stdin"] = subprocess.PIPE
        return self.finish(self.start(*words, **options), data, limit)

    def start_up(self, *words, **options):
        """Starts a job of the test's program, and waits until it says that it is up."""
        process = self.start(*words, bufsize=0, **options)
        # Unbuffered, so that what comes later is there for communicate().
        line = process.stdout.readline()
        if line != b"up\n":
            done = self.finish(process)
            self.fail(f"it did not start: {line!r}\n{done}")
        return process

    def assert_right(self, done):
        self.assertEqual(done.status, 0, str(done))
        self.assertRegex(done.out, r"right: [1-9]\d* messages\n")

    def assert_fails(self, done, *patterns, status=None):
        """One message of mpirun's, which matches all the patterns."""
        self.assertNotEqual(done.status, 0, str(done))
        if status is not None:
            self.assertEqual(done.status, status, str(done))
        messages = [line for line in done.err.splitlines() if line.startswith("mpirun: ")]
        self.assertEqual(len(messages), 1, str(done))
        for pattern in patterns:
            self.assertRegex(messages[0], pattern)
        self.assertLess(done.seconds, LIMIT_S)

    def assert_verifies(self, done):
        self.assertEqual((done.status, done.err), (0, ""), str(done))
        self.assertRegex(done.out, r"Verification +=\s+SUCCESSFUL")


def main():
    global BUILD
    BUILD = os.path.abspath(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    for name in list(os.environ):
        if name.startswith(("PMI", "OMPI_", "SLURM_", "MPIEXEC_", "FATHOM_")):
            del os.environ[name]
    unittest.main(module="__main__", argv=sys.argv[:1] + sys.argv[2:])
