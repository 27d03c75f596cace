// MPI over FM, by MPI_Wtime, which is modelled time where the board has one.
#include <mpi.h>

#include "rank.hpp"

namespace {

using fm_bench::Options;

constexpr const char* kMetrics = "latency|bandwidth|twoway";
constexpr int kTag = 1;
constexpr int kPings = 8;

int my_rank() {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

double ping_pong_us(int rank, std::vector<std::byte>& out, std::vector<std::byte>& in, int bytes) {
    MPI_Barrier(MPI_COMM_WORLD);
    double begun = 0;
    for (int i = -2; i < kPings; ++i) {  // two warm up
        if (i == 0) begun = MPI_Wtime();
        if (rank == 0) MPI_Send(out.data(), bytes, MPI_BYTE, 1, kTag, MPI_COMM_WORLD);
        MPI_Recv(in.data(), bytes, MPI_BYTE, 1 - rank, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (rank == 1) MPI_Send(out.data(), bytes, MPI_BYTE, 0, kTag, MPI_COMM_WORLD);
    }
    return (MPI_Wtime() - begun) * 1e6 / (2 * kPings);
}

// Rank 0 streams, rank 1 answers once at the end; the answer's way is taken off again.
double stream_us(int rank, std::vector<std::byte>& buffer, int bytes, int count, double answer_us) {
    MPI_Barrier(MPI_COMM_WORLD);
    const double begun = MPI_Wtime();
    for (int i = 0; i < count; ++i) {
        if (rank == 0)
            MPI_Send(buffer.data(), bytes, MPI_BYTE, 1, kTag, MPI_COMM_WORLD);
        else
            MPI_Recv(buffer.data(), bytes, MPI_BYTE, 0, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    if (rank == 0)
        MPI_Recv(nullptr, 0, MPI_BYTE, 1, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    else
        MPI_Send(nullptr, 0, MPI_BYTE, 0, kTag, MPI_COMM_WORLD);
    return ((MPI_Wtime() - begun) * 1e6 - answer_us) / count;
}

double exchange_us(int rank, std::vector<std::byte>& out, std::vector<std::byte>& in, int bytes,
                   int count) {
    MPI_Barrier(MPI_COMM_WORLD);
    const double begun = MPI_Wtime();
    for (int i = 0; i < count; ++i)
        MPI_Sendrecv(out.data(), bytes, MPI_BYTE, 1 - rank, kTag, in.data(), bytes, MPI_BYTE,
                     1 - rank, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return (MPI_Wtime() - begun) * 1e6 / count;
}

void run(const Options& options, int rank) {
    const bool latency = options.metric == "latency";
    const auto sizes = fm_bench::sizes_of(options, latency ? 8 : 16, latency ? 131072 : 1048576);
    std::vector<std::byte> out, in;
    for (const std::size_t size : sizes) {
        out.assign(size, {});
        in.assign(size, {});
        fm_bench::fill(out, size, static_cast<unsigned>(rank));
        const int bytes = static_cast<int>(size);
        const int count = fm_bench::stream_length(options, size);
        double value = 0;
        if (latency) {
            value = ping_pong_us(rank, out, in, bytes);
        } else if (options.metric == "twoway") {
            exchange_us(rank, out, in, bytes, 2);
            value = 2 * static_cast<double>(size) / exchange_us(rank, out, in, bytes, count);
        } else {
            const double answer_us = ping_pong_us(rank, out, in, 0);
            stream_us(rank, rank == 0 ? out : in, bytes, 2, answer_us);
            value = static_cast<double>(size) /
                    stream_us(rank, rank == 0 ? out : in, bytes, count, answer_us);
        }
        if (rank == 1) fm_bench::check(in, size, 0);
        if (rank == 0)
            fm_bench::print(options.metric.c_str(), fm_bench::bytes_label(size), value,
                            latency ? "us" : "MB/s");
    }
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = fm_bench::parse(argc, argv, kMetrics);
    if (options.metric != "latency" && options.metric != "bandwidth" && options.metric != "twoway")
        fm_bench::usage(argv[0], kMetrics);
    MPI_Init(&argc, &argv);
    int size = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (size != 2) {
        std::fprintf(stderr, "%s: needs 2 ranks, not %d\n", argv[0], size);
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    run(options, my_rank());
    MPI_Finalize();
    return 0;
}
