// MPI_Pcontrol (MPI-5.0 §15.2.4): a hook for profiling tools, which define it themselves.
#include <mpi.h>

extern "C" [[gnu::visibility("default")]] int PMPI_Pcontrol(const int /*level*/, ...) {
    return MPI_SUCCESS;
}
extern "C" [[gnu::visibility("default")]] int MPI_Pcontrol(const int level, ...)
    __attribute__((weak, alias("PMPI_Pcontrol")));
