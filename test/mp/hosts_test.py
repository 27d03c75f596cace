"""mpirun and its proxies on many hosts, which here are one: the remote shell is a script of the test's.

hosts_test.py MPIRUN PMI_PROGRAM
"""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import launch_support
from launch_support import LaunchTest, descendants, wait_until


class HostsTest(LaunchTest):
    def setUp(self):
        super().setUp()
        self.shell('exec sh -c "$2"')

    def shell(self, script):
        """The remote shell: called with a host and a command."""
        path = self.write("rsh", "#!/bin/sh\n" + script + "\n", 0o755)
        os.environ["FATHOM_RSH"] = path

    def show(self, *words):
        return self.mpirun(*words, "sh", "-c", "echo $PMI_RANK of $PMI_SIZE")


class Hosts(HostsTest):
    def test_runs_ranks_on_hosts(self):
        self.assert_runs(self.show("-host", "a,b,c", "-n", 5), [f"{r} of 5" for r in range(5)])

    def test_fills_slots_in_order(self):
        hosts = self.write("hosts", "a slots=2\nb:1  # the small one\nc slots=3\n")
        done = self.mpirun("-hostfile", hosts, "-outfile-pattern", self.path("%h-%r"), "true")
        self.assertEqual((done.status, done.err), (0, ""), str(done))
        made = sorted(name for name in os.listdir(self.directory.name) if "-" in name)
        self.assertEqual(made, ["a-0", "a-1", "b-2", "c-3", "c-4", "c-5"])

    def test_takes_part_itself(self):
        done = self.mpirun("-host", "a,localhost", "-ppn", 2, "sh", "-c", "echo $PMI_RANK")
        self.assert_runs(done, ["0", "1", "2", "3"])

    def test_makes_a_tree_of_many_hosts(self):
        hosts = ",".join(f"h{i}:1" for i in range(40))
        self.shell('echo "$1" >>"${0%rsh}calls"; exec sh -c "$2"')
        done = self.mpirun("-host", hosts, "-n", 40, launch_support.PMI_PROGRAM)
        self.assertEqual((done.status, done.err), (0, ""), str(done))
        self.assertEqual(len(done.out.splitlines()), 40)
        with open(self.path("calls")) as calls:
            self.assertEqual(sorted(calls.read().split()), sorted(f"h{i}" for i in range(40)))

    def test_exchanges_what_ranks_put(self):
        done = self.mpirun("-host", "a:2,b:2", "-n", 4, launch_support.PMI_PROGRAM)
        self.assertEqual((done.status, done.err), (0, ""), str(done))
        self.assertIn("rank 3 of 4 appnum 0 universe 4 mapping (vector,(0,2,2))", done.out)

    def test_carries_input_and_output(self):
        text = "".join(f"line {i}\n" for i in range(200000))
        done = self.mpirun("-host", "a,b", "-n", 2, "--stdin", 1, "cat", data=text)
        self.assertEqual((done.status, done.out == text, done.err), (0, True, ""))

    def test_ends_a_writer_that_nobody_reads(self):
        process = self.start("-host", "a", "yes")
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        done = self.finish(process)
        self.assertEqual((done.status, done.err), (128 + signal.SIGPIPE, ""), str(done))

    def test_changes_to_the_directory_of_mpirun(self):
        self.shell('cd /; exec sh -c "$2"')
        done = self.mpirun("-host", "a", "pwd", cwd=self.directory.name)
        self.assert_runs(done, [os.path.realpath(self.directory.name)])

    def test_passes_the_environment_on(self):
        self.shell('unset NEWS; exec sh -c "$2"')
        done = self.mpirun("-host", "a", "sh", "-c", "echo $NEWS", env={"NEWS": "good 'news'"})
        self.assert_runs(done, ["good 'news'"])

    def test_exit_status(self):
        done = self.mpirun("-host", "a,b", "-n", 2, "sh", "-c", "[ $PMI_RANK = 0 ] || exit 7; sleep 60")
        self.assert_fails(done, 7, r"rank 1 \(pid \d+\) on host b exited with status 7")

    def test_names_a_program_that_another_host_lacks(self):
        done = self.mpirun("-host", "a", "./not-there")
        self.assert_fails(done, 127, r"not-there.*host a")


class Failures(HostsTest):
    def test_a_shell_that_is_not_there(self):
        os.environ["FATHOM_RSH"] = "/not/there"
        self.assert_fails(self.show("-host", "a"), 1, "host a: .*/not/there")

    def test_a_shell_that_refuses(self):
        self.shell('echo "Permission denied (publickey)." >&2; exit 255')
        self.assert_fails(self.show("-host", "a"), 1, r"host a: .*Permission denied \(publickey\)")

    def test_a_host_without_fathom(self):
        self.shell('exec sh -c "${2}-gone"')
        self.assert_fails(self.show("-host", "a"), 1, "host a: .*fathom-proxy.*not found")

    def test_a_shell_that_prints_first(self):
        self.shell('echo "Welcome to $1"; exec sh -c "$2"')
        self.assert_runs(self.show("-host", "a"), ["0 of 1"])

    def test_a_shell_that_prints_only(self):
        self.shell('echo "This account is not available"')
        self.assert_fails(self.show("-host", "a"), 1, "host a: .*account is not available")

    def test_another_version(self):
        # The answer of a proxy: greeting, then a frame of version and CPUs.
        self.shell(r"""printf '\nFATHOM-PROXY-1\n\025\000\000\000\040'
            printf '\005\000\000\000\000\000\000\0000.0.1\001\000\000\000\000\000\000\000'; sleep 5""")
        self.assert_fails(self.show("-host", "a"), 1, r"host a: .*0\.0\.1.*this host has \d")

    def test_frames_that_make_no_sense(self):
        self.shell(r"printf '\nFATHOM-PROXY-1\n'; head -c 4096 /dev/urandom; sleep 5")
        self.assert_fails(self.show("-host", "a"), 1, "host a: ")

    def test_a_host_line_that_makes_no_sense(self):
        hosts = self.write("hosts", "a slots=2\nb slots=many\n")
        self.assert_fails(self.show("-hostfile", hosts), 2, "line 2: .*slots=many")


class SuddenDeath(HostsTest):
    def job(self):
        process = self.start("-host", "a,b", "-n", 2, "sh", "-c", "echo up; sleep 60")
        self.assertEqual(process.stdout.readline() + process.stdout.readline(), b"up\nup\n")
        return process

    def kill(self, process, name):
        victim = next(pid for pid, found in descendants(process.pid) if found == name)
        begin = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        done = self.finish(process)
        self.assertLess(time.monotonic() - begin, 5)
        return done

    def test_of_a_proxy(self):
        self.assert_fails(self.kill(self.job(), "fathom-proxy"), 1, "host [ab]: the connection was closed")

    def test_of_a_keeper(self):
        self.assert_fails(self.kill(self.job(), "fathom-keeper"), 128 + signal.SIGKILL, r"host [ab]: .*keeps the ranks.*killed")

    def test_of_a_rank(self):
        process = self.job()
        self.assert_fails(self.kill(process, "sleep"), 128 + signal.SIGKILL, r"rank \d .* on host [ab]")

    def test_of_mpirun(self):
        process = self.job()
        process.kill()
        process.communicate()
        # That nothing is left is seen to after each test; but it may take as long as silence.
        self.assertTrue(wait_until(lambda: (launch_support.reap(), not launch_support.children())[1], 6))

    def test_of_a_proxy_that_stops(self):
        process = self.job()
        victim = next(pid for pid, name in descendants(process.pid) if name == "fathom-proxy")
        os.kill(victim, signal.SIGSTOP)
        begin = time.monotonic()
        done = self.finish(process)
        self.assertLess(time.monotonic() - begin, 11)
        self.assert_fails(done, 1, "host [ab]: nothing was heard")


if __name__ == "__main__":
    launch_support.main()
