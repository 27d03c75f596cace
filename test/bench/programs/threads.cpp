// Message rate of four threads per rank under MPI_THREAD_MULTIPLE, 8 bytes, two ranks: thread t of
// rank 0 sends windows to thread t of rank 1, told apart by tag (tags) or by a communicator of its
// own (comms). `single` is one thread of the same program, for comparison.
#include <thread>

#include "bench.hpp"

namespace {

constexpr int kThreads = 4;
constexpr std::size_t kWindow = 64;
constexpr int kAckTag = 100;  // plus the thread

void windows(int rank, int thread, MPI_Comm comm, long count) {
    std::vector<MPI_Request> requests(kWindow);
    std::vector<double> values(kWindow, thread);
    const int peer = 1 - rank;
    for (long w = 0; w < count; ++w) {
        for (std::size_t i = 0; i < kWindow; ++i) {
            if (rank == 0) {
                MPI_Isend(&values[i], 1, MPI_DOUBLE, peer, thread, comm, &requests[i]);
            } else {
                MPI_Irecv(&values[i], 1, MPI_DOUBLE, peer, thread, comm, &requests[i]);
            }
        }
        MPI_Waitall(static_cast<int>(kWindow), requests.data(), MPI_STATUSES_IGNORE);
        if (rank == 0) {
            MPI_Recv(nullptr, 0, MPI_BYTE, peer, kAckTag + thread, comm, MPI_STATUS_IGNORE);
        } else {
            MPI_Send(nullptr, 0, MPI_BYTE, peer, kAckTag + thread, comm);
        }
    }
    for (const double value : values) {
        if (value != thread) MPI_Abort(MPI_COMM_WORLD, 1);
    }
}

void run(const bench::Bench& bench, const char* kind, int threads,
         const std::vector<MPI_Comm>& comms) {
    if (!bench.wants(kind)) return;
    constexpr double kStretch = 10;  // so that starting the threads does not count
    const bench::Sample sample = bench.measure(
        [&](long iterations) {
            std::vector<std::thread> workers;
            for (int t = 0; t < threads; ++t) {
                workers.emplace_back([&, t] {
                    windows(bench.rank(), t, comms[static_cast<std::size_t>(t)], iterations);
                });
            }
            for (std::thread& worker : workers) worker.join();
        },
        kStretch);
    bench.print_rate(
        "thread_rate",
        std::string("kind=") + kind + " threads=" + std::to_string(threads) + " bytes=8",
        static_cast<double>(kWindow) * threads, "Mmsg/s", sample);
}

}  // namespace

int main(int argc, char** argv) {
    bench::Bench bench(argc, argv, MPI_THREAD_MULTIPLE);
    bench.require_ranks(2);
    const std::vector<MPI_Comm> world(kThreads, MPI_COMM_WORLD);
    std::vector<MPI_Comm> own(kThreads, MPI_COMM_NULL);
    for (MPI_Comm& comm : own) MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    run(bench, "single", 1, world);
    run(bench, "tags", kThreads, world);
    run(bench, "comms", kThreads, own);
    for (MPI_Comm& comm : own) MPI_Comm_free(&comm);
    return 0;
}
