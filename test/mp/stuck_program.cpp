// A program that sticks, for stuck_test.py. Usage: stuck_program WHAT
//   deadlock    both ranks of each pair receive from each other
//   computes    rank 1 computes for ever, the others are in MPI_Barrier
//   other       rank 1 is in MPI_Bcast, the others are in MPI_Barrier
//   tests       rank 1 calls MPI_Test for ever, the others are in MPI_Barrier
//   unexpected  rank 0 has three messages that it does not want, rank 1 waits after a long send
//   init        rank 1 never calls MPI_Init
#include <mpi.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <vector>

int main(int argc, char** argv) {
    const char* what = argc > 1 ? argv[1] : "";
    const auto is = [what](const char* word) { return std::strcmp(what, word) == 0; };
    if (is("init") && std::strcmp(std::getenv("PMI_RANK"), "1") == 0) sleep(600);
    MPI_Init(&argc, &argv);
    int rank = 0, size = 0, word = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (is("deadlock")) {
        MPI_Recv(&word, 1, MPI_INT, rank ^ 1, 7, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    } else if (is("unexpected")) {
        std::vector<char> bytes(1 << 20);
        if (rank == 1) {
            for (int i = 0; i < 3; ++i) MPI_Send(&word, 1, MPI_INT, 0, i, MPI_COMM_WORLD);
            MPI_Send(bytes.data(), 1 << 20, MPI_CHAR, 0, 9, MPI_COMM_WORLD);
        }
        MPI_Recv(&word, 1, MPI_INT, MPI_ANY_SOURCE, 100, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    } else if (rank == 1 && is("computes")) {
        for (volatile bool for_ever = true; for_ever;) {
        }
    } else if (rank == 1 && is("other")) {
        MPI_Bcast(&word, 1, MPI_INT, 0, MPI_COMM_WORLD);
    } else if (rank == 1 && is("tests")) {
        MPI_Request request;
        MPI_Irecv(&word, 1, MPI_INT, 0, 1, MPI_COMM_WORLD, &request);
        for (int done = 0; done == 0;) MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Finalize();
}
