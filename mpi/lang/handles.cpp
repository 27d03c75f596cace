// Handles as integers (MPI-5.0 §19.3.4, §20). A handle's value is a constant of the ABI or an
// object's 32-bit id, so the conversions change the type alone; they cannot fail, work at any time,
// and keep what is no handle invalid: the next call that gets it says so. Written by hand because
// their result is no error code.
#include <mpi.h>

#include <cstdint>

namespace {

template <class Handle>
int to_int(Handle handle) {
    return static_cast<int>(reinterpret_cast<std::uintptr_t>(handle));
}

template <class Handle>
Handle from_int(int value) {
    return reinterpret_cast<Handle>(std::uintptr_t{static_cast<unsigned>(value)});
}

}  // namespace

#define EXPORT extern "C" [[gnu::visibility("default")]]
#define CONVERSIONS(Name, Handle, argument)                   \
    EXPORT int PMPI_##Name##_toint(Handle argument) {         \
        return to_int(argument);                              \
    }                                                         \
    EXPORT int MPI_##Name##_toint(Handle argument)            \
        __attribute__((weak, alias("PMPI_" #Name "_toint"))); \
    EXPORT Handle PMPI_##Name##_fromint(int argument) {       \
        return from_int<Handle>(argument);                    \
    }                                                         \
    EXPORT Handle MPI_##Name##_fromint(int argument)          \
        __attribute__((weak, alias("PMPI_" #Name "_fromint")));

CONVERSIONS(Comm, MPI_Comm, comm)
CONVERSIONS(Errhandler, MPI_Errhandler, errhandler)
CONVERSIONS(Group, MPI_Group, group)
CONVERSIONS(Info, MPI_Info, info)
CONVERSIONS(Message, MPI_Message, message)
CONVERSIONS(Op, MPI_Op, op)
CONVERSIONS(Request, MPI_Request, request)
CONVERSIONS(Session, MPI_Session, session)
CONVERSIONS(Type, MPI_Datatype, datatype)

// Where Fortran's MPI_STATUS_IGNORE and MPI_STATUSES_IGNORE lie; the Fortran library, if there is
// one in the process, sets them when it is loaded.
[[gnu::visibility("default")]] MPI_Fint* MPI_F_STATUS_IGNORE = nullptr;
[[gnu::visibility("default")]] MPI_Fint* MPI_F_STATUSES_IGNORE = nullptr;
[[gnu::visibility("default")]] MPI_F08_status* MPI_F08_STATUS_IGNORE = nullptr;
[[gnu::visibility("default")]] MPI_F08_status* MPI_F08_STATUSES_IGNORE = nullptr;
