"""Bothers listening sockets, as anybody on the network may. Run on a host of a bed by netns_security_test.py.

    netns_attack.py CONNECTIONS ADDRESS:PORT...

Of the connections, most send random bytes; some begin as a peer would, with a greeting of some rank, and stop
in the middle or answer the challenge with a wrong proof; some say nothing, and stay until there are too many.
"""

import collections
import random
import resource
import socket
import struct
import sys

MAGIC = b"FTHMTCP1"
HELLO_BYTES, CHALLENGE_BYTES, CLAIM_BYTES, ANSWER_BYTES = 56, 32, 40, 48


def hello(chance, ranks):
    start, to = chance.randrange(ranks + 1), chance.randrange(ranks + 1)
    return MAGIC + struct.pack("<IIQ", start, to, chance.getrandbits(64)) + chance.randbytes(32)


def connect(target, seconds):
    address, port = target.rsplit(":", 1)
    return socket.create_connection((address.strip("[]"), int(port)), seconds)


def one(chance, target, idle):
    """Tells whether somebody answered a claim: that nobody may, who was not convinced."""
    kind = chance.random()
    with_greeting = kind < 0.25
    s = connect(target, 10)
    try:
        if kind < 0.05:  # as far as possible
            s.settimeout(2)
            s.sendall(hello(chance, 4))
            challenge = s.recv(CHALLENGE_BYTES, socket.MSG_WAITALL)
            if len(challenge) < CHALLENGE_BYTES:
                return False
            s.sendall(struct.pack("<Q", chance.choice([0, 1, 1 << 40])) + chance.randbytes(32))
            return len(s.recv(ANSWER_BYTES)) > 0
        if with_greeting:
            s.sendall(hello(chance, 4)[:chance.randrange(HELLO_BYTES + 1)] + chance.randbytes(chance.choice([0, 0, 40])))
        elif kind < 0.95:
            s.sendall(chance.randbytes(chance.choice([1, 8, 16, 56, 96, 200, 4000])))
        else:
            idle.append(s)
            s = None
            if len(idle) > 300:
                idle.popleft().close()
    except OSError:
        pass  # it was dropped: that is what should happen
    finally:
        if s is not None:
            if chance.random() < 0.3:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
    return False


def main():
    count, targets = int(sys.argv[1]), sys.argv[2:]
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
    chance, idle = random.Random(1), collections.deque()
    made = answered = refused = 0
    for i in range(count):
        try:
            answered += one(chance, targets[i % len(targets)], idle)
            made += 1
        except OSError:
            refused += 1
    print(f"made {made}, answered {answered}, refused {refused}")


if __name__ == "__main__":
    main()
