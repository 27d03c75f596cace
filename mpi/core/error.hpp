// Errors as the MPI layer carries them: an error class, and one sentence of detail for a person.
#pragma once

#include <mpi.h>

#include "adi/base/status.hpp"

namespace mpi {

/// An MPI error class. Function bodies return it; the generated shells turn anything but `ok` into
/// a call of the communicator's error handler (MPI-5.0 §9.3).
enum class [[nodiscard]] Status : int{
    ok = MPI_SUCCESS,
    buffer = MPI_ERR_BUFFER,
    count = MPI_ERR_COUNT,
    type = MPI_ERR_TYPE,
    tag = MPI_ERR_TAG,
    comm = MPI_ERR_COMM,
    rank = MPI_ERR_RANK,
    request = MPI_ERR_REQUEST,
    root = MPI_ERR_ROOT,
    group = MPI_ERR_GROUP,
    op = MPI_ERR_OP,
    topology = MPI_ERR_TOPOLOGY,
    dims = MPI_ERR_DIMS,
    arg = MPI_ERR_ARG,
    unknown = MPI_ERR_UNKNOWN,
    truncate = MPI_ERR_TRUNCATE,
    other = MPI_ERR_OTHER,
    intern = MPI_ERR_INTERN,
    pending = MPI_ERR_PENDING,
    in_status = MPI_ERR_IN_STATUS,
    base = MPI_ERR_BASE,
    info_key = MPI_ERR_INFO_KEY,
    info_nokey = MPI_ERR_INFO_NOKEY,
    info_value = MPI_ERR_INFO_VALUE,
    info = MPI_ERR_INFO,
    keyval = MPI_ERR_KEYVAL,
    no_mem = MPI_ERR_NO_MEM,
    unsupported_datarep = MPI_ERR_UNSUPPORTED_DATAREP,
    unsupported = MPI_ERR_UNSUPPORTED_OPERATION,
    proc_aborted = MPI_ERR_PROC_ABORTED,
    value_too_large = MPI_ERR_VALUE_TOO_LARGE,
    session = MPI_ERR_SESSION,
    errhandler = MPI_ERR_ERRHANDLER,
    abi = MPI_ERR_ABI,
    proc_failed = MPIX_ERR_PROC_FAILED,
};

/// Records, for this thread, one sentence that says what was wrong (which argument, its value,
/// what would be right) and returns `status`. The report of the failing call prints it.
[[gnu::format(printf, 2, 3), gnu::cold]] Status fail(Status status, const char* format, ...);

/// The sentence recorded by the last fail() on this thread, "" when none; cleared by
/// clear_error_detail().
const char* error_detail();
void clear_error_detail();

/// The one map from the ADI's outcomes to MPI error classes.
Status from_adi(adi::Status status);

/// A short text for an error class, or null when `code` is none.
const char* error_text(int code);

}  // namespace mpi
