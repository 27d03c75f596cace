// Two ranks: messages of 8 bytes from rank 0 to rank 1, one at a time, each received when it is
// surely there, so that neither call waits. The ranks take turns by a word in a file, not by MPI,
// because MPI would receive the message.
//
//   budget_program FILE MESSAGES
#include <fcntl.h>
#include <mpi.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace {

std::atomic<int>* map_word(const char* path) {
    const int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(std::atomic<int>)) != 0) return nullptr;
    void* memory =
        mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return memory == MAP_FAILED ? nullptr : static_cast<std::atomic<int>*>(memory);
}

void wait_for(const std::atomic<int>& word, int value) {
    while (word.load() != value) sched_yield();
}

}  // namespace

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int rank = -1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    std::atomic<int>* turn = argc == 3 ? map_word(argv[1]) : nullptr;
    if (turn == nullptr) MPI_Abort(MPI_COMM_WORLD, 2);
    const int messages = std::atoi(argv[2]);
    MPI_Barrier(MPI_COMM_WORLD);
    for (int i = 0; i < messages; ++i) {
        std::int64_t value = i;
        if (rank == 0) {
            MPI_Send(&value, 1, MPI_INT64_T, 1, 1, MPI_COMM_WORLD);
            turn->store(2 * i + 1);
            wait_for(*turn, 2 * i + 2);
        } else {
            wait_for(*turn, 2 * i + 1);
            value = -1;
            MPI_Recv(&value, 1, MPI_INT64_T, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            if (value != i) MPI_Abort(MPI_COMM_WORLD, 1);
            turn->store(2 * i + 2);
        }
    }
    MPI_Finalize();
    return 0;
}
