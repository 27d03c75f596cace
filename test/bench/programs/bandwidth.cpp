// Bandwidth and message rate: windows of nonblocking messages between two ranks, in one direction
// (bandwidth) and in both at once (bibandwidth, the sum of the two). Receives of a window have
// buffers of their own, as MPI demands of receives that are pending together.
#include "bench.hpp"

namespace {

constexpr int kTag = 1;
constexpr int kAckTag = 2;
constexpr std::size_t kWindowMessages = 64;
constexpr std::size_t kWindowBytes = 4u << 20;  // large messages: fewer at once, at least four

struct Window {
    std::vector<unsigned char> out, in;
    std::vector<MPI_Request> requests;
    std::size_t bytes;     // of a message
    std::size_t messages;  // in a window

    Window(std::size_t message_bytes, unsigned seed) : bytes(message_bytes) {
        messages = std::clamp<std::size_t>(kWindowBytes / std::max<std::size_t>(bytes, 1), 4,
                                           kWindowMessages);
        out.resize(bytes);
        in.resize(bytes * messages);
        requests.resize(2 * messages);
        bench::fill(out, bytes, seed);
    }

    void start_receives(int peer) {
        for (std::size_t i = 0; i < messages; ++i) {
            MPI_Irecv(in.data() + i * bytes, static_cast<int>(bytes), MPI_BYTE, peer, kTag,
                      MPI_COMM_WORLD, &requests[i]);
        }
    }
    void start_sends(int peer, std::size_t first_request) {
        for (std::size_t i = 0; i < messages; ++i) {
            MPI_Isend(out.data(), static_cast<int>(bytes), MPI_BYTE, peer, kTag, MPI_COMM_WORLD,
                      &requests[first_request + i]);
        }
    }
    void wait(std::size_t count) {
        MPI_Waitall(static_cast<int>(count), requests.data(), MPI_STATUSES_IGNORE);
    }
    bool received(unsigned seed) const {
        for (std::size_t i = 0; i < in.size(); ++i) {
            if (in[i] != bench::pattern(i % bytes, seed)) return false;
        }
        return true;
    }
};

void one_way(int rank, Window& window) {
    if (rank == 0) {
        window.start_sends(1, 0);
        window.wait(window.messages);
        MPI_Recv(nullptr, 0, MPI_BYTE, 1, kAckTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    } else {
        window.start_receives(0);
        window.wait(window.messages);
        MPI_Send(nullptr, 0, MPI_BYTE, 0, kAckTag, MPI_COMM_WORLD);
    }
}

void both_ways(int rank, Window& window) {
    window.start_receives(1 - rank);
    window.start_sends(1 - rank, window.messages);
    window.wait(2 * window.messages);
}

void run_size(const bench::Bench& bench, std::size_t bytes, bool both) {
    const auto me = static_cast<unsigned>(bench.rank());
    Window window(bytes, me + 1);
    const bench::Sample sample = bench.measure([&](long iterations) {
        for (long i = 0; i < iterations; ++i) {
            if (both) {
                both_ways(bench.rank(), window);
            } else {
                one_way(bench.rank(), window);
            }
        }
    });
    if (both || me == 1) bench.check(window.received(2 - me), "bandwidth");
    const double messages = static_cast<double>(window.messages) * (both ? 2 : 1);
    bench.print_rate(both ? "bibandwidth" : "bandwidth", bench::bytes_label(bytes),
                     messages * static_cast<double>(bytes), "MB/s", sample);
    if (bytes == 8) {
        bench.print_rate(both ? "bimessage_rate" : "message_rate", bench::bytes_label(bytes),
                         messages, "Mmsg/s", sample);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Bench bench(argc, argv);
    bench.require_ranks(2);
    const std::vector<std::size_t> sizes = bench.sizes(bench::powers_of_two(8, 4u << 20));
    for (const bool both : {false, true}) {
        for (const std::size_t size : sizes) {
            if (!bench.wants(both ? "bibandwidth" : "bandwidth")) break;
            run_size(bench, std::max<std::size_t>(size, 1), both);
        }
    }
    return 0;
}
