// TCP over the loopback, or between two network namespaces: a ping-pong with spinning and with
// blocking receive, and a stream in one direction.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "limits.hpp"

namespace {

using namespace limits;

// A socket belongs to the network in which it was made, wherever its process is.
void enter_network_of(int pid) {
    if (pid == 0) return;
    const std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
    const int network = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (network < 0 || setns(network, CLONE_NEWNET) != 0) fail(path.c_str());
    close(network);
}

// A connected pair of TCP sockets, with Nagle's algorithm off.
void tcp_pair(int (&ends)[2]) {
    enter_network_of(g_options.host_a);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (g_options.address != nullptr) inet_pton(AF_INET, g_options.address, &address.sin_addr);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (listener < 0 || ::bind(listener, generic, length) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, generic, &length) != 0) {
        fail("listen");
    }
    enter_network_of(g_options.host_b);
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (ends[0] < 0 || connect(ends[0], generic, length) != 0) fail("connect");
    ends[1] = accept(listener, nullptr, nullptr);
    if (ends[1] < 0) fail("accept");
    close(listener);
    const int on = 1;
    for (const int end : ends) setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void receive_all(int end, unsigned char* to, std::size_t bytes, int flags) {
    for (std::size_t got = 0; got < bytes;) {
        const ssize_t n = recv(end, to + got, bytes - got, flags);
        if (n > 0) {
            got += static_cast<std::size_t>(n);
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            std::exit(0);  // the other side has ended
        }
    }
}

void send_all(int end, const unsigned char* from, std::size_t bytes) {
    for (std::size_t sent = 0; sent < bytes;) {
        const ssize_t n = send(end, from + sent, bytes - sent, MSG_NOSIGNAL);
        if (n < 0) std::exit(0);
        sent += static_cast<std::size_t>(n);
    }
}

void ping_pong(const char* kind, int flags, std::size_t bytes) {
    int ends[2];
    tcp_pair(ends);
    std::vector<unsigned char> buffer(bytes, 1);
    {
        const Child echo(g_options.cpu_b, [&] {
            close(ends[0]);
            for (;;) {
                receive_all(ends[1], buffer.data(), bytes, flags);
                send_all(ends[1], buffer.data(), bytes);
            }
        });
        close(ends[1]);
        const long count = static_cast<long>(std::clamp<std::size_t>((1u << 20) / bytes, 2, 50));
        const Sample sample = measure(repetitions() / 3, count, [&](long n) {
            for (long k = 0; k < n; ++k) {
                send_all(ends[0], buffer.data(), bytes);
                receive_all(ends[0], buffer.data(), bytes, flags);
            }
        });
        char labels[64];
        std::snprintf(labels, sizeof labels, "name=tcp kind=%s bytes=%zu", kind, bytes);
        print_time(labels, sample, 2);
    }
    close(ends[0]);
}

// One direction: each message is one send, as it is handed over, and the receiver spins.
void stream(std::size_t bytes) {
    int ends[2];
    tcp_pair(ends);
    std::vector<unsigned char> buffer(bytes, 1);
    {
        const Child source(g_options.cpu_b, [&] {
            close(ends[0]);
            for (;;) send_all(ends[1], buffer.data(), bytes);
        });
        close(ends[1]);
        const long count = static_cast<long>(std::clamp<std::size_t>((4u << 20) / bytes, 4, 64));
        const Sample sample = measure(repetitions(), count, [&](long n) {
            for (long k = 0; k < n; ++k) {
                receive_all(ends[0], buffer.data(), bytes, MSG_DONTWAIT);
            }
        });
        print_rate("name=tcp_stream", bytes, sample);
    }
    close(ends[0]);
}

}  // namespace

void limits::tcp() {
    for (const std::size_t bytes : {1u, 64u, 8u << 10, 64u << 10, 1u << 20, 4u << 20}) {
        ping_pong("spinning", MSG_DONTWAIT, bytes);
    }
    ping_pong("blocking", 0, 1);
    for (const std::size_t bytes : {64u, 1u << 10, 8u << 10, 64u << 10, 1u << 20, 4u << 20}) {
        stream(bytes);
    }
}
