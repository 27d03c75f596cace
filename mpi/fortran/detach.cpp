// Detaching of buffers. With mpif.h and the module mpi the address has no type that could hold it,
// so it is not given; mpi_f08 has a TYPE(C_PTR).
#include "mpi/fortran/glue.hpp"

using namespace fortran;

namespace {

/// What a program attached: MPI_BUFFER_AUTOMATIC has another address in Fortran.
void* to_fortran(void* buffer) {
    return buffer == MPI_BUFFER_AUTOMATIC ? &mpi_fathom_addresses_.buffer_automatic : buffer;
}

}  // namespace

#define DETACH(symbol, call)                                                     \
    FORTRAN void symbol##_(const void*, Fint* size, Fint* ierror) {              \
        void* buffer = nullptr;                                                  \
        finish(ierror, call(&buffer, size));                                     \
    }                                                                            \
    FORTRAN void symbol##_f08_(void** buffer, Fint* size, Fint* ierror) {        \
        const int outcome = call(buffer, size);                                  \
        if (outcome == MPI_SUCCESS) *buffer = to_fortran(*buffer);               \
        finish(ierror, outcome);                                                 \
    }                                                                            \
    FORTRAN void symbol##_c_f08_(void** buffer, MPI_Count* size, Fint* ierror) { \
        const int outcome = call##_c(buffer, size);                              \
        if (outcome == MPI_SUCCESS) *buffer = to_fortran(*buffer);               \
        finish(ierror, outcome);                                                 \
    }

DETACH(mpi_buffer_detach, MPI_Buffer_detach)
DETACH(pmpi_buffer_detach, PMPI_Buffer_detach)

#define DETACH_FROM(Type, symbol, call)                                                            \
    FORTRAN void symbol##_(const Fint* from, const void*, Fint* size, Fint* ierror) {              \
        void* buffer = nullptr;                                                                    \
        finish(ierror, call(handle<Type>(from), &buffer, size));                                   \
    }                                                                                              \
    FORTRAN void symbol##_f08_(const Fint* from, void** buffer, Fint* size, Fint* ierror) {        \
        const int outcome = call(handle<Type>(from), buffer, size);                                \
        if (outcome == MPI_SUCCESS) *buffer = to_fortran(*buffer);                                 \
        finish(ierror, outcome);                                                                   \
    }                                                                                              \
    FORTRAN void symbol##_c_f08_(const Fint* from, void** buffer, MPI_Count* size, Fint* ierror) { \
        const int outcome = call##_c(handle<Type>(from), buffer, size);                            \
        if (outcome == MPI_SUCCESS) *buffer = to_fortran(*buffer);                                 \
        finish(ierror, outcome);                                                                   \
    }

DETACH_FROM(MPI_Comm, mpi_comm_detach_buffer, MPI_Comm_detach_buffer)
DETACH_FROM(MPI_Comm, pmpi_comm_detach_buffer, PMPI_Comm_detach_buffer)
DETACH_FROM(MPI_Session, mpi_session_detach_buffer, MPI_Session_detach_buffer)
DETACH_FROM(MPI_Session, pmpi_session_detach_buffer, PMPI_Session_detach_buffer)
