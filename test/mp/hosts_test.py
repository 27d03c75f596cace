"""mpirun and its proxies on many hosts, which here are one: the remote shell is a script of the test's.

hosts_test.py MPIRUN PMI_PROGRAM
"""

import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import launch_support
from launch_support import END_S, LIMIT_S, LaunchTest, descendants, wait_until


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
        self.assertIn("rank 3 of 4 appnum 0 universe 4 local 2,3", done.out)

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


class Places(HostsTest):
    def hosts_of_ranks(self, *words, env=None):
        """Where the ranks ran, in their order."""
        done = self.mpirun(*words, "-outfile-pattern", self.path("%r@%h"), "true", env=env)
        self.assertEqual((done.status, done.err), (0, ""), str(done))
        made = [name.split("@") for name in os.listdir(self.directory.name) if "@" in name]
        for rank, host in made:
            os.remove(self.path(f"{rank}@{host}"))
        return "".join(host for _, host in sorted(made, key=lambda pair: int(pair[0])))

    def test_goes_round(self):
        hosts = self.write("hosts", "a slots=2\nb slots=2\n")
        self.assertEqual(self.hosts_of_ranks("-f", hosts, "--map-by", "node"), "abab")
        self.assertEqual(self.hosts_of_ranks("-f", hosts, "--map-by", "node", "--rank-by", "slot"), "aabb")
        self.assertEqual(self.hosts_of_ranks("-f", hosts, "-n", 3, "-host", "b"), "bbb")
        self.assertEqual(self.hosts_of_ranks("-host", "a,b", "-npernode", 2), "aabb")

    def test_takes_what_a_batch_system_gives(self):
        slurm = {"SLURM_JOB_NODELIST": "n[1-2]", "SLURM_TASKS_PER_NODE": "2,1"}
        self.assertEqual(self.hosts_of_ranks(env=slurm), "n1n1n2")
        nodes = self.write("nodes", "a\nb\na\n")
        self.assertEqual(self.hosts_of_ranks(env={"PBS_NODEFILE": nodes}), "aab")
        self.assertEqual(self.hosts_of_ranks("-host", "c", env=slurm), "c")

    def test_in_slurm_by_its_own_steps(self):
        del os.environ["FATHOM_RSH"]
        self.write("srun", '#!/bin/sh\nwhile [ "$1" != --nodelist ]; do shift; done\nshift 2\nexec "$@"\n', 0o755)
        done = self.mpirun("-v", "true", env={"SLURM_JOB_NODELIST": "n[1-2]", "SLURM_TASKS_PER_NODE": "1(x2)",
                                              "PATH": self.directory.name + ":" + os.environ["PATH"]})
        self.assertEqual(done.status, 0, str(done))
        self.assertIn("2 hosts from slurm: n1 (1), n2 (1); reached by srun", done.err)

    def test_by_a_launcher_that_is_named(self):
        del os.environ["FATHOM_RSH"]
        self.assert_runs(self.show("-launcher", "fork", "-host", "a,b"), ["0 of 2", "1 of 2"])
        shell = self.path("rsh")
        self.assert_runs(self.show("--mca", "plm_rsh_agent", shell, "-host", "a"), ["0 of 1"])

    def test_prefix_names_the_proxy(self):
        self.assert_fails(self.show("--prefix", "/not/there", "-host", "a"), 1,
                          "host a: .*/not/there/libexec/fathom/fathom-proxy")

    def test_a_host_that_says_nothing(self):
        self.shell("exec sleep 60")
        self.assert_fails(self.show("--start-timeout", 1, "-host", "a"), 1, "host a: nothing was heard.*within 1 s")

    def test_binds_and_reports(self):
        allowed = sorted(os.sched_getaffinity(0))
        program = ("-host", "a,b", "-n", 2, "--map-by", "node", "--bind-to", "hwthread", "--report-bindings",
                   "grep", "Cpus_allowed_list", "/proc/self/status")
        done = self.mpirun(*program)
        self.assertEqual(done.status, 0, str(done))
        if "no hwloc" in done.err:
            self.skipTest("no hwloc")
        self.assertEqual(done.out, f"Cpus_allowed_list:\t{allowed[0]}\n" * 2)
        if len(allowed) > 1:
            for rank, host in enumerate("ab"):
                self.assertRegex(done.err, rf"\[{host}:\d+\] MCW rank {rank} bound to socket \d+\[core \d+\[hwt 0\]\]: \[B")

    def test_binds_within_its_own_affinity(self):
        last = max(os.sched_getaffinity(0))
        done = self.mpirun("-n", 1, "--bind-to", "hwthread", "grep", "Cpus_allowed_list", "/proc/self/status",
                           preexec_fn=lambda: os.sched_setaffinity(0, {last}))
        self.assertEqual((done.status, done.out), (0, f"Cpus_allowed_list:\t{last}\n"), str(done))

    def test_its_own_affinity_is_what_there_is(self):
        last = max(os.sched_getaffinity(0))
        done = self.mpirun("-n", 2, "--bind-to", "core", "true", preexec_fn=lambda: os.sched_setaffinity(0, {last}))
        self.assertRegex(done.err, "2 ranks need more than its 1 cores|no hwloc")
        hosts = self.write("hosts", "localhost\n")
        done = self.mpirun("-f", hosts, "echo", "x", preexec_fn=lambda: os.sched_setaffinity(0, {last}))
        self.assert_runs(done, ["x"])

    def test_too_many_ranks_are_not_bound(self):
        ranks = len(os.sched_getaffinity(0)) + 1
        done = self.mpirun("-n", ranks, "--bind-to", "core", "true")
        self.assertEqual(done.status, 0, str(done))
        self.assertRegex(done.err, f"warning: .*{ranks} ranks .*not bound|no hwloc")

    def test_refuses_when_it_is_told_to(self):
        done = self.show("-host", "a:2", "-n", 3, "--nooversubscribe")
        self.assert_fails(done, 1, "3 processes, but the hosts have 2 slots")


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

    def answer(self, version):
        """Every host's proxy says that it is of this version: a greeting, then a frame of the version and no CPUs."""
        number = lambda value, size: value.to_bytes(size, "little")
        fields = number(len(version), 8) + version.encode() + number(1, 8) + number(0, 8)
        frame = b"\nFATHOM-PROXY-1\n" + number(len(fields), 4) + b"\x20" + fields
        self.shell("printf '" + "".join(f"\\{byte:03o}" for byte in frame) + "'; sleep 5")

    def test_another_version(self):
        self.answer("0.0.1")
        self.assert_fails(self.show("-host", "a"), 1, r"host a: .*0\.0\.1.*this host has \d")

    def test_the_same_version_with_other_frames(self):
        version = self.mpirun("--version").out.split()[-1]
        self.answer(f"{version} (control protocol 77)")
        self.assert_fails(self.show("-host", "a"), 1, rf"host a: it has Fathom {re.escape(version)} \(control protocol 77\) and "
                          rf"this host has {re.escape(version)} \(control protocol \d+\); all hosts of a job need the same")
        # One that was built before there was a number.
        self.answer(version)
        self.assert_fails(self.show("-host", "a"), 1, rf"host a: it has Fathom {re.escape(version)} and this host")

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
        found = lambda: [pid for pid, other in descendants(process.pid) if other == name]
        self.assertTrue(wait_until(found, LIMIT_S), name)  # a rank's child comes after its first line
        victim = found()[0]
        begin = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        done = self.finish(process)
        self.assertLess(time.monotonic() - begin, END_S)
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
        self.assertTrue(wait_until(lambda: (launch_support.reap(), not launch_support.children())[1], END_S))

    def test_of_a_proxy_that_stops(self):
        process = self.job()
        victim = next(pid for pid, name in descendants(process.pid) if name == "fathom-proxy")
        os.kill(victim, signal.SIGSTOP)
        begin = time.monotonic()
        done = self.finish(process)
        self.assertLess(time.monotonic() - begin, END_S)
        self.assert_fails(done, 1, "host [ab]: nothing was heard")


if __name__ == "__main__":
    launch_support.main()
