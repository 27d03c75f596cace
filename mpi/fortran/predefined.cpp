// MPI_COMM_DUP_FN and its like for Fortran programs, which may pass them to MPI or call them.
#include "mpi/fortran/glue.hpp"

using namespace fortran;

#define COPY_FUNCTIONS(prefix, Value)                                                              \
    FORTRAN void mpi_##prefix##null_copy_fn_(const Fint*, const Fint*, const Value*, const Value*, \
                                             Value*, Fint* flag, Fint* ierror) {                   \
        *flag = logical(0);                                                                        \
        finish(ierror, MPI_SUCCESS);                                                               \
    }                                                                                              \
    FORTRAN void mpi_##prefix##dup_fn_(const Fint*, const Fint*, const Value*,                     \
                                       const Value* value_in, Value* value_out, Fint* flag,        \
                                       Fint* ierror) {                                             \
        *value_out = *value_in;                                                                    \
        *flag = logical(1);                                                                        \
        finish(ierror, MPI_SUCCESS);                                                               \
    }                                                                                              \
    FORTRAN void mpi_##prefix##null_delete_fn_(const Fint*, const Fint*, const Value*,             \
                                               const Value*, Fint* ierror) {                       \
        finish(ierror, MPI_SUCCESS);                                                               \
    }

COPY_FUNCTIONS(, Fint)
COPY_FUNCTIONS(comm_, Faint)
COPY_FUNCTIONS(type_, Faint)
COPY_FUNCTIONS(win_, Faint)
