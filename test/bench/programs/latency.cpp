// One-way latency: a ping-pong of blocking MPI_Send and MPI_Recv between two ranks.
#include "bench.hpp"

namespace {

constexpr int kTag = 1;

void ping_pong(int rank, unsigned char* out, unsigned char* in, int bytes, long iterations) {
    for (long i = 0; i < iterations; ++i) {
        if (rank == 0) {
            MPI_Send(out, bytes, MPI_BYTE, 1, kTag, MPI_COMM_WORLD);
            MPI_Recv(in, bytes, MPI_BYTE, 1, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        } else {
            MPI_Recv(in, bytes, MPI_BYTE, 0, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            MPI_Send(out, bytes, MPI_BYTE, 0, kTag, MPI_COMM_WORLD);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Bench bench(argc, argv);
    bench.require_ranks(2);
    std::vector<std::size_t> usual{0};
    for (const std::size_t size : bench::powers_of_two(1, 4u << 20)) usual.push_back(size);
    const std::vector<std::size_t> sizes = bench.sizes(usual);
    const std::size_t largest = *std::max_element(sizes.begin(), sizes.end());
    std::vector<unsigned char> out(largest + 1), in(largest + 1);
    const auto me = static_cast<unsigned>(bench.rank());
    for (const std::size_t size : sizes) {
        if (!bench.wants("latency")) break;
        bench::fill(out, size, me + 1);
        const int bytes = static_cast<int>(size);
        bench::Sample sample = bench.measure([&](long iterations) {
            ping_pong(bench.rank(), out.data(), in.data(), bytes, iterations);
        });
        bench.check(bench::matches(in, size, 2 - me), "latency");
        sample.min_us /= 2;  // there and back
        sample.median_us /= 2;
        bench.print_time("latency", bench::bytes_label(size), sample);
    }
    return 0;
}
