"""Starts jobs and kills a random process of each at a random moment: nothing may be left behind.

usage: kill_test.py MPIRUN [--runs N] [--ranks N] [--jobs N] [--seed N] -- PROGRAM [ARGUMENTS]

Each run starts `mpirun -n RANKS PROGRAM`, and kills -9 one process of the job, mpirun included,
at a moment drawn from the start and the middle of the job's life. Soon no process of the job
may live and nothing that the job made may be in /dev/shm. Exit status 0 and a last line with counts
when that held every time; non-zero at the first run where it did not, which the seed repeats.

Each worker is a child subreaper: whatever a job leaves behind falls to it, whoever killed it.
Several workers may run at once; /dev/shm is shared between them, so an entry counts as left behind
when it outlives all jobs that could have made it.
"""

import argparse
import collections
import ctypes
import os
import random
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
# 2 s are promised; a busy machine takes longer.
LIMIT_S = 30.0
SHM = "/dev/shm"


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def family(pid, depth=1000):
    """`pid` and its descendants, down to `depth` generations."""
    found = [pid]
    for child in children(pid) if depth > 0 else []:
        found += family(child, depth - 1)
    return found


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    except OSError:
        return "gone"


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass


def shm_entries():
    try:
        return set(os.listdir(SHM))
    except OSError:
        return set()


def one_run(command, chooser):
    """Starts, kills, waits. Returns the victim's name and what is left, as (pid, name) pairs."""
    null = subprocess.DEVNULL
    mpirun = subprocess.Popen(command, stdin=null, stdout=null, stderr=null)
    # Half of the moments lie in the start-up, where things come into being, half in the life after.
    time.sleep(chooser.uniform(0, 0.02) if chooser.random() < 0.5 else chooser.uniform(0.02, 0.15))
    # mpirun, its keeper, the ranks: a death that ends the job. A rank's own children are not drawn.
    members = family(mpirun.pid, 2)
    victim = chooser.choice(members)
    name = name_of(victim)
    if name == os.path.basename(command[0]) and victim != mpirun.pid:
        name = "before exec"
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        name = "gone"
    deadline = time.monotonic() + LIMIT_S
    if name == "gone":
        # The job may have ended by itself, or the victim may have been on its way out: end it.
        mpirun.kill()
    while True:
        reap()
        left = children(os.getpid())
        if not left:
            break
        if time.monotonic() > deadline:
            names = [(pid, name_of(pid)) for root in left for pid in family(root)]
            for pid, _ in names:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            mpirun.returncode = 0
            return name, names
        time.sleep(0.002)
    mpirun.returncode = 0  # reaped above
    return name, []


def worker(options, number, pipe):
    """Runs its share, writes one line for each run, and exits."""
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        os.write(pipe, b"no child subreaper\n")
        os._exit(1)
    chooser = random.Random(f"{options.seed}-{number}")
    command = [options.mpirun, "-n", str(options.ranks), *options.program]
    for run in range(number, options.runs, options.jobs):
        name, left = one_run(command, chooser)
        if left:
            os.write(pipe, f"FAIL run {run}, after killing {name}: left behind {left}\n".encode())
            os._exit(1)
        os.write(pipe, f"ok {name}\n".encode())
    os._exit(0)


def parse():
    words = sys.argv[1:]
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("mpirun")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--ranks", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    if "--" not in words:
        parser.error("no program after --")
    options = parser.parse_args(words[:words.index("--")])
    options.program = words[words.index("--") + 1:]
    return options


def main():
    options = parse()
    print(f"seed {options.seed}", flush=True)
    before = shm_entries()
    begin = time.monotonic()
    read_end, write_end = os.pipe()
    workers = []
    for number in range(options.jobs):
        pid = os.fork()
        if pid == 0:
            worker(options, number, write_end)
        workers.append(pid)
    os.close(write_end)
    with os.fdopen(read_end) as lines:
        victims = collections.Counter()
        failures = []
        for line in lines:
            if line.startswith("ok "):
                victims[line[3:].strip()] += 1
            else:
                failures.append(line.strip())
    statuses = [os.waitpid(pid, 0)[1] for pid in workers]
    shm_left = shm_entries() - before
    deadline = time.monotonic() + LIMIT_S
    while shm_left and time.monotonic() < deadline:  # other programs come and go there
        time.sleep(0.1)
        shm_left &= shm_entries()
    for line in failures:
        print(line)
    if shm_left:
        print(f"FAIL left behind in {SHM}: {sorted(shm_left)}")
    done = sum(victims.values())
    killed = ", ".join(f"{name} {count}" for name, count in victims.most_common())
    seconds = time.monotonic() - begin
    print(f"{done} of {options.runs} runs left nothing, {seconds:.0f} s; killed: {killed}")
    good = done == options.runs and not shm_left and not any(statuses)
    # A test that never hit the ranks would say nothing about them.
    if good and options.runs >= 100 and len(set(victims) - {"gone", "before exec"}) < 3:
        print("FAIL the victims were not spread over mpirun, its keeper and the ranks")
        good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
