"""What the tests of mpirun share: running it, and seeing that nothing is left behind.

The test process is a child subreaper, so whatever a job leaves behind becomes its own child, where
it is found, counted and killed.
"""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PR_SET_CHILD_SUBREAPER = 36
MPIRUN = ""
PMI_PROGRAM = ""
# What takes longer hangs, however slow and busy the machine.
LIMIT_S = 240
# How soon a job that was hurt is over, and nothing of it is left: 2 s are promised, a busy machine takes longer.
END_S = 30
# The tests of a conformance program that tell whether messages find their way between hosts; all of them
# with FATHOM_TEST_ALL.
CHOSEN = [] if os.environ.get("FATHOM_TEST_ALL") else ["--gtest_filter=Matching.*Source*:Probe.*:Sendrecv.*"]


def become_subreaper():
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError("no child subreaper")


def children():
    """The children of this process that live or are unreaped, by number."""
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return [int(word) for word in file.read().split()]


def descendants(pid):
    """All descendants of `pid` with their names, zombies left out."""
    found = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            direct = [int(word) for word in file.read().split()]
    except OSError:
        return found
    for child in direct:
        try:
            with open(f"/proc/{child}/stat") as file:
                text = file.read()
        except OSError:
            continue
        name = text[text.index("(") + 1:text.rindex(")")]
        if text[text.rindex(")") + 2] != "Z":
            found.append((child, name))
        found += descendants(child)
    return found


def reap():
    """Waits for the children that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


class Finished:
    """What became of a run of mpirun."""

    def __init__(self, status, out, err, seconds):
        self.status, self.out, self.err, self.seconds = status, out, err, seconds

    def __str__(self):
        return f"status {self.status}\nstdout:\n{self.out[:2000]}\nstderr:\n{self.err[:2000]}"


class LaunchTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="fathom-launch-")
        self.addCleanup(self.directory.cleanup)

    def tearDown(self):
        # A job that is over has left nothing, whatever was killed in it.
        def nothing_left():
            reap()
            return not children()

        if not wait_until(nothing_left, END_S):
            left = descendants(os.getpid())
            for pid, _ in left:
                os.kill(pid, signal.SIGKILL)
            wait_until(nothing_left, END_S)
            self.fail(f"processes left behind: {left}")

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "wb" if isinstance(text, bytes) else "w") as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def start(self, *arguments, **options):
        """mpirun in the background, as a subprocess.Popen with pipes."""
        settings = dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        settings.update(options)
        return subprocess.Popen([MPIRUN, *map(str, arguments)], **settings)

    def finish(self, process, data=None):
        """Waits for a started mpirun."""
        begin = time.monotonic()
        out, err = process.communicate(data, timeout=LIMIT_S)
        decode = lambda text: text.decode(errors="replace") if text else ""
        return Finished(process.returncode, decode(out), decode(err), time.monotonic() - begin)

    def mpirun(self, *arguments, data=None, env=None, **options):
        """Runs mpirun to its end. `data` is its standard input, `env` adds to the environment."""
        if data is not None:
            options["stdin"] = subprocess.PIPE
            data = data if isinstance(data, bytes) else data.encode()
        if env is not None:
            options["env"] = {**os.environ, **env}
        begin = time.monotonic()
        done = self.finish(self.start(*arguments, **options), data)
        done.seconds = time.monotonic() - begin
        return done

    def assert_runs(self, done, lines=None):
        """Status 0, nothing on stderr, and these lines of output in any order."""
        self.assertEqual((done.status, done.err), (0, ""), str(done))
        if lines is not None:
            self.assertEqual(sorted(done.out.splitlines()), sorted(lines))

    def assert_fails(self, done, status, *patterns):
        """This status, and one message of mpirun's that matches all the patterns."""
        self.assertEqual(done.status, status, str(done))
        messages = [line for line in done.err.splitlines() if line.startswith("mpirun: ")]
        self.assertEqual(len(messages), 1, str(done))
        for pattern in patterns:
            self.assertRegex(messages[0], pattern)


def main():
    global MPIRUN, PMI_PROGRAM
    MPIRUN, PMI_PROGRAM = map(os.path.abspath, sys.argv[1:3])
    # Tests in the background start with some signals ignored, and the ranks would inherit that.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    # What a launcher above the tests says is not what the tests are about.
    for name in list(os.environ):
        if name.startswith(("PMI", "OMPI_", "SLURM_", "MPIEXEC_")):
            del os.environ[name]
    become_subreaper()
    unittest.main(module="__main__", argv=sys.argv[:1] + sys.argv[3:])
