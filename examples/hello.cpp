// hello: the smallest whole MPI program. Each rank says who and where it is.
//
//   mpicxx -O2 hello.cpp -o hello && mpirun -n 4 ./hello
//
// Shows: MPI_Init and MPI_Finalize, rank and size, MPI_Get_processor_name,
// MPI_Get_library_version, MPI_Barrier, and a first reduction that checks that nobody is missing.

#include <mpi.h>

#include <cstdio>

int main(int argc, char** argv) {
    // MPI_Init comes before any other MPI call; it starts the library and joins this process to
    // the job. Outside mpirun the process is a job of one rank.
    MPI_Init(&argc, &argv);

    int rank = 0;
    int size = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);  // which one am I: 0 .. size-1
    MPI_Comm_size(MPI_COMM_WORLD, &size);  // how many are we

    if (argc > 1) {
        if (rank == 0) std::fprintf(stderr, "usage: mpirun -n RANKS hello   (no arguments)\n");
        MPI_Finalize();
        return 2;
    }

    char host[MPI_MAX_PROCESSOR_NAME];
    int host_length = 0;
    MPI_Get_processor_name(host, &host_length);

    if (rank == 0) {
        char version[MPI_MAX_LIBRARY_VERSION_STRING];
        int version_length = 0;
        MPI_Get_library_version(version, &version_length);
        std::printf("library: %s\n", version);
    }
    std::printf("hello from rank %d of %d on %s\n", rank, size, host);

    // Nobody leaves the barrier before everybody has entered it.
    MPI_Barrier(MPI_COMM_WORLD);

    // Each rank gives its number; the sum must be 0 + 1 + ... + (size-1).
    long long mine = rank;
    long long sum = 0;
    MPI_Allreduce(&mine, &sum, 1, MPI_LONG_LONG, MPI_SUM, MPI_COMM_WORLD);
    const bool right = sum == static_cast<long long>(size) * (size - 1) / 2;
    if (!right) std::fprintf(stderr, "rank %d: the sum of all ranks came out as %lld\n", rank, sum);

    MPI_Finalize();
    return right ? 0 : 1;
}
