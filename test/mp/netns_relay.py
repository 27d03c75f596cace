"""A relay that makes a way long: what passes it arrives so much later, in each direction, as over kilometres of
cable. The packet filter of its host sends connections here; where they were to go, the kernel still knows.

netns_relay.py PORT MILLISECONDS
"""

import queue
import socket
import struct
import sys
import threading
import time

SO_MARK = 36
SO_ORIGINAL_DST = 80
# By which the packet filter knows the relay's own connections.
MARK = 7
MOST_BYTES = 1 << 16


def read(source, late_s, line):
    """Puts what comes into the line, with the time at which it is to go on; nothing is the end."""
    while True:
        try:
            data = source.recv(MOST_BYTES)
        except OSError:
            data = b""
        line.put((time.monotonic() + late_s, data))
        if not data:
            return


def write(target, line):
    while True:
        when, data = line.get()
        time.sleep(max(0, when - time.monotonic()))
        try:
            if not data:
                return target.shutdown(socket.SHUT_WR)
            target.sendall(data)
        except OSError:
            return None


def relay(guest, late_s):
    port, address = struct.unpack("!2xH4s8x", guest.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16))
    host = socket.socket()
    host.setsockopt(socket.SOL_SOCKET, SO_MARK, MARK)
    try:
        host.connect((socket.inet_ntoa(address), port))
    except OSError:
        return guest.close()
    for source, target in ((guest, host), (host, guest)):
        source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = queue.Queue()
        threading.Thread(target=read, args=(source, late_s, line), daemon=True).start()
        threading.Thread(target=write, args=(target, line), daemon=True).start()
    return None


def main():
    port, late_s = int(sys.argv[1]), float(sys.argv[2]) / 1000
    with socket.create_server(("", port)) as listener:
        print("ready", flush=True)
        for count in range(1, 1 << 30):
            guest, _ = listener.accept()
            print(count, flush=True)
            threading.Thread(target=relay, args=(guest, late_s), daemon=True).start()


if __name__ == "__main__":
    main()
