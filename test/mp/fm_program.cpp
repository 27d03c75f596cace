// What fm_test.py runs on the emulated Myrinet. The first argument says what:
//   exchange   messages of many lengths between all ranks, checked
//   clock      rank 0 prints the microseconds of one message by MPI_Wtime
//   wait       prints "up", then rank 0 waits for a message that nobody sends
#include <mpi.h>

#include <cstdio>
#include <cstring>
#include <vector>

namespace {

constexpr int kLengths[] = {0, 1, 8, 424, 425, 5000, 16384, 16385, 70001, 600000, 3000001};

unsigned char pattern(std::size_t i, int from, int to, int length) {
    return static_cast<unsigned char>(i * 31 + i / 253 +
                                      static_cast<std::size_t>(from * 7 + to * 3) +
                                      static_cast<std::size_t>(length));
}

int exchange(int rank, int size) {
    int wrong = 0;
    for (const int length : kLengths) {
        const auto n = static_cast<std::size_t>(length);
        std::vector<std::vector<unsigned char>> in(static_cast<std::size_t>(size)), out(in);
        std::vector<MPI_Request> requests;
        for (int peer = 0; peer < size; ++peer) {
            auto& buffer = in[static_cast<std::size_t>(peer)];
            buffer.resize(n);
            MPI_Irecv(buffer.data(), length, MPI_BYTE, peer, length, MPI_COMM_WORLD,
                      &requests.emplace_back());
        }
        for (int peer = 0; peer < size; ++peer) {
            auto& buffer = out[static_cast<std::size_t>(peer)];
            buffer.resize(n);
            for (std::size_t i = 0; i < n; ++i) buffer[i] = pattern(i, rank, peer, length);
            MPI_Isend(buffer.data(), length, MPI_BYTE, peer, length, MPI_COMM_WORLD,
                      &requests.emplace_back());
        }
        MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
        for (int peer = 0; peer < size; ++peer) {
            const auto& buffer = in[static_cast<std::size_t>(peer)];
            for (std::size_t i = 0; i < n; ++i) {
                if (buffer[i] != pattern(i, peer, rank, length)) ++wrong;
            }
        }
    }
    int all = 0;
    MPI_Allreduce(&wrong, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    if (rank == 0) std::printf("%d wrong bytes\n", all);
    return all == 0 ? 0 : 1;
}

void clock(int rank) {
    constexpr int kRounds = 20;
    long word = 0;
    double start = 0;
    for (int i = -1; i < kRounds; ++i) {
        // Until the other has come out of MPI_Init modelled time goes on without it.
        if (i == 0) start = MPI_Wtime();
        if (rank == 0) MPI_Send(&word, 1, MPI_LONG, 1, 0, MPI_COMM_WORLD);
        if (rank < 2) MPI_Recv(&word, 1, MPI_LONG, 1 - rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (rank == 1) MPI_Send(&word, 1, MPI_LONG, 0, 0, MPI_COMM_WORLD);
    }
    if (rank == 0) std::printf("%.3f\n", (MPI_Wtime() - start) * 1e6 / (2 * kRounds));
}

void wait(int rank) {
    if (rank == 0) {
        std::puts("up");
        std::fflush(stdout);
    }
    int word = 0;
    MPI_Recv(&word, 1, MPI_INT, MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

}  // namespace

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int rank = 0, size = 0, status = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const char* what = argc > 1 ? argv[1] : "";
    if (std::strcmp(what, "exchange") == 0) {
        status = exchange(rank, size);
    } else if (std::strcmp(what, "clock") == 0) {
        clock(rank);
    } else if (std::strcmp(what, "wait") == 0) {
        wait(rank);
    } else {
        status = 2;
    }
    MPI_Finalize();
    return status;
}
