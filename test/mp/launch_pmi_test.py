"""The PMI-1 server in mpirun: good clients, hostile ones, other MPIs; and our client under others.

usage: launch_pmi_test.py MPIRUN PMI_PROGRAM [unittest arguments]
"""

import os
import shutil
import subprocess
import sys
import textwrap
import unittest

import launch_support as support
from launch_support import LaunchTest

# A rank that speaks PMI by hand. ask(line) sends a line and returns the answer, "" at the end.
RAW = """
import os, sys, socket, time
pmi = socket.socket(fileno=int(os.environ["PMI_FD"]))
stream = pmi.makefile("rb")
def ask(line, feed=b"\\n"):
    try:
        pmi.sendall((line if isinstance(line, bytes) else line.encode()) + feed)
        return stream.readline().decode().strip()
    except OSError:
        return ""
INIT = "cmd=init pmi_version=1 pmi_subversion=1"
rank = int(os.environ["PMI_RANK"])
"""


class Server(LaunchTest):
    def raw(self, script, ranks=1):
        return self.mpirun("-n", ranks, sys.executable, "-c", RAW + textwrap.dedent(script))

    def answers(self, *lines):
        """What one rank is answered after init."""
        done = self.raw(f"""
            ask(INIT)
            for line in {lines!r}: print(ask(line))
            ask("cmd=finalize")
            """)
        self.assertEqual(done.status, 0, str(done))
        self.assertEqual(done.err, "")
        return done.out.splitlines()

    def test_exchange(self):
        for ranks in (1, 2, 5, 16):
            done = self.mpirun("-n", ranks, support.PMI_PROGRAM, "exchange")
            self.assert_runs(done, [
                f"rank {rank} of {ranks} appnum 0 universe {ranks} "
                f"local {','.join(map(str, range(ranks)))}" for rank in range(ranks)])

    def test_program_numbers(self):
        program = [support.PMI_PROGRAM, "exchange"]
        done = self.mpirun("-n", 1, *program, ":", "-n", 2, *program)
        self.assertEqual(sorted(line.split()[5] for line in done.out.splitlines()), ["0", "1", "1"])

    def test_queries(self):
        answers = self.answers(
            "cmd=get_maxes", "cmd=get_appnum", "cmd=get_universe_size", "cmd=get_my_kvsname")
        self.assertEqual(answers[:2], ["cmd=maxes kvsname_max=256 keylen_max=64 vallen_max=1024",
                                       "cmd=appnum appnum=0"])
        self.assertEqual(answers[2], "cmd=universe_size size=1 rc=0")
        self.assertRegex(answers[3], "^cmd=my_kvsname kvsname=[!-~]+$")

    def test_errors_that_have_an_answer(self):
        done = self.raw("""
            ask(INIT)
            name = ask("cmd=get_my_kvsname").split("=")[-1]
            for rest in (f"kvsname={name} key={'k' * 64} value={'v' * 1024}",
                         f"kvsname={name} key={'k' * 65} value=v",
                         f"kvsname={name} key=k value={'v' * 1025}",
                         f"kvsname={name} key=PMI_process_mapping value=v",
                         f"kvsname=other key=k value=v", f"key=k value=v", "",
                         f"kvsname={name} key= value=v", f"kvsname={name} key=k"):
                print(ask("cmd=put " + rest).split()[1])
            for rest in (f"kvsname={name} key={'k' * 64}", f"kvsname={name} key=none",
                         "kvsname=other key=k", f"kvsname={name}", ""):
                print(ask("cmd=get " + rest).split()[1])
            print(ask("cmd=publish_name service=s port=p"))
            print(ask("mcmd=spawn\\nnprocs=1\\nexecname=true\\n whatever = this is\\nendcmd"))
            print(ask("cmd=init pmi_version=7"))
            print(ask("cmd=finalize"))
            """)
        self.assert_runs(done)
        self.assertEqual(done.out.splitlines(),
                         ["rc=0"] + ["rc=-1"] * 8 + ["rc=0"] + ["rc=-1"] * 4 +
                         ["cmd=publish_result rc=-1 msg=unsupported",
                          "cmd=spawn_result rc=-1 msg=unsupported",
                          "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=-1",
                          "cmd=finalize_ack"])

    def test_lines_in_pieces(self):
        done = self.raw("""
            for byte in (INIT + "\\n").encode()[:-1]: pmi.send(bytes([byte])); time.sleep(0.001)
            print(ask(""))
            # Several lines in one piece, the last one unfinished.
            pmi.sendall(b"cmd=get_appnum\\ncmd=get_appnum\\ncmd=get_ap")
            print(stream.readline().decode().strip(), ask("pnum"))
            print(stream.readline().decode().strip(), ask("cmd=finalize"))
            """)
        self.assert_runs(done, [
            "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0",
            "cmd=appnum appnum=0 cmd=appnum appnum=0", "cmd=appnum appnum=0 cmd=finalize_ack"])

    def test_garbage_ends_the_connection(self):
        for first, pattern in (
                ("b'\\x00\\xff\\x80' * 50", "printable"), ("b'hello'", "'='"), ("b''", "empty"),
                ("b'x' * 5000", "more than 4096"), ("b'cmd=put'", "before init"),
                ("b'cmd=' + b'x' * 3000", "before init"), ("b'cmd=init cmd=init'", "twice")):
            done = self.raw(f"print('answer', ask({first}))")
            self.assertEqual((done.status, done.out.strip()), (0, "answer"), str(done))
            self.assertRegex(done.err, rf"^mpirun: rank 0 \(pid \d+\).* PMI connection.*{pattern}")
        done = self.raw("ask(INIT); print('answer', ask('cmd=wibble')); sys.exit(3)")
        self.assertEqual(done.status, 3)
        self.assertIn("unknown command", done.err)

    def test_an_endless_line(self):
        done = self.raw("""
            try:
                while True: pmi.sendall(b"x" * 100000)
            except OSError:
                print("ended")
            """)
        self.assertEqual((done.status, done.out), (0, "ended\n"))

    def test_a_rank_that_does_not_read(self):
        done = self.raw("""
            ask(INIT)
            pmi.setblocking(False)
            sent, deadline = 0, time.monotonic() + 0.5
            while time.monotonic() < deadline:
                try: sent += pmi.send(b"cmd=get_maxes\\n" * 100)
                except BlockingIOError: time.sleep(0.01)
            pmi.setblocking(True)
            print("bounded" if sent < 10_000_000 else sent)
            """)
        self.assertEqual(done.out, "bounded\n", str(done))

    def test_too_much_stored(self):
        done = self.raw("""
            ask(INIT)
            name = ask("cmd=get_my_kvsname").split("=")[-1]
            for i in range(10000):
                if "rc=-1" in ask(f"cmd=put kvsname={name} key=k{i} value={'v' * 1000}"): break
            print("bounded" if 1000 < i < 9999 else i, ask("cmd=finalize"))
            """)
        self.assert_runs(done, ["bounded cmd=finalize_ack"])

    def test_hostile_ranks_do_not_hurt_the_others(self):
        # Rank 0 sends garbage, so the others wait for it in vain, and learn that.
        done = self.raw("""
            if rank == 0: ask(b"\\xff" * 10); time.sleep(60)
            else: ask(INIT); ask("cmd=barrier_in"); time.sleep(60)
            """, ranks=3)
        self.assertEqual(done.status, 1)
        self.assertRegex(done.err, "rank [12] waits .* for rank 0, which can not take part")

    def test_commands_in_a_barrier_and_after_finalize(self):
        flag = self.path("flag")
        done = self.raw(f"""
            ask(INIT)
            if rank == 0: pmi.sendall(b"cmd=barrier_in\\n"); ask("cmd=get_maxes"); open({flag!r}, "w")
            while not os.path.exists({flag!r}): time.sleep(0.01)
            """, ranks=2)
        self.assertRegex(done.err, "while it was in a barrier")
        done = self.raw("ask(INIT); ask('cmd=finalize'); ask('cmd=get_maxes')")
        self.assertRegex(done.err, "after finalize")

    def test_closing_the_connection_is_no_crime_by_itself(self):
        self.assert_runs(self.raw("stream.close(); pmi.close(); time.sleep(0.7)"))
        done = self.raw("""
            ask(INIT)
            if rank == 0: stream.close(); pmi.close(); time.sleep(60)
            ask("cmd=barrier_in")
            """, ranks=2)
        self.assertEqual(done.status, 1)
        self.assertRegex(done.err, "rank 1 waits .* for rank 0, which can not")

    def test_random_bytes(self):
        import random
        words = [b"cmd=", b"put", b"get", b"init", b" ", b"=", b"\n", b"key=", b"value=", b"\0",
                 b"barrier_in", b"mcmd=spawn", b"endcmd", b"kvsname=", b"\xff", b"rc=0", b"x" * 500]
        for seed in range(8):
            chooser = random.Random(seed)
            data = b"cmd=init pmi_version=1\n" * (seed % 2)
            data += b"".join(chooser.choice(words) for _ in range(2000))
            done = self.raw(f"""
                data = {data!r}
                try:
                    for at in range(0, len(data), 100): pmi.sendall(data[at:at + 100])
                except OSError: pass
                """)
            self.assertIn(done.status, (0, 1), f"seed {seed}: {done}")


class OtherSide(LaunchTest):
    """Our launcher with another MPI's programs."""

    def mpich_program(self):
        compiler = shutil.which("mpicc.mpich")
        if compiler is None:
            self.skipTest("mpicc.mpich is not installed")
        source = self.write("program.c", textwrap.dedent("""
            #include <mpi.h>
            #include <stdio.h>
            #include <stdlib.h>
            int main(int argc, char** argv) {
                int rank, size, sum, found, *appnum;
                MPI_Init(&argc, &argv);
                MPI_Comm_rank(MPI_COMM_WORLD, &rank);
                MPI_Comm_size(MPI_COMM_WORLD, &size);
                MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
                MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_APPNUM, &appnum, &found);
                printf("rank %d of %d sum %d appnum %d\\n", rank, size, sum, found ? *appnum : -1);
                if (argc > 1 && rank == 1) MPI_Abort(MPI_COMM_WORLD, atoi(argv[1]));
                if (argc > 1) MPI_Barrier(MPI_COMM_WORLD);
                MPI_Finalize();
                return 0;
            }
            """))
        subprocess.run([compiler, source, "-o", self.path("program")], check=True)
        return self.path("program")

    def test_programs_of_mpich(self):
        program = self.mpich_program()
        self.assert_runs(self.mpirun("-n", 3, program),
                         [f"rank {rank} of 3 sum 3 appnum 0" for rank in range(3)])
        self.assert_runs(self.mpirun("-n", 1, program, ":", "-n", 1, program),
                         [f"rank {rank} of 2 sum 1 appnum {rank}" for rank in range(2)])
        self.assert_fails(self.mpirun("-n", 3, program, 5), 5, "rank 1 .*aborted .*exit code 5")


if __name__ == "__main__":
    support.main()
