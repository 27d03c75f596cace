// Gives the seconds since some time in the past.
extern "C" [[gnu::visibility("default")]] double PMPI_Wtime(void) {
    return mpi::wtime();
}
extern "C" [[gnu::visibility("default")]] double MPI_Wtime(void) __attribute__((weak, alias("PMPI_Wtime")));
