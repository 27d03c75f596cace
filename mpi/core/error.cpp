#include "mpi/core/error.hpp"

#include <cstdarg>
#include <cstdio>

namespace mpi {

namespace {

constexpr std::size_t kDetailBytes = 320;
thread_local char detail[kDetailBytes] = "";

}  // namespace

Status fail(Status status, const char* format, ...) {
    va_list values;
    va_start(values, format);
    std::vsnprintf(detail, sizeof detail, format, values);
    va_end(values);
    return status;
}

const char* error_detail() { return detail; }

void clear_error_detail() { detail[0] = '\0'; }

Status from_adi(adi::Status status) {
    switch (status) {
        case adi::Status::ok: return Status::ok;
        case adi::Status::truncated: return Status::truncate;
        case adi::Status::peer_failed: return Status::proc_aborted;
        case adi::Status::no_memory: return Status::no_mem;
        case adi::Status::unsupported: return Status::unsupported;
        case adi::Status::corrupt: return Status::other;
        case adi::Status::again:
        case adi::Status::bad_argument:
        case adi::Status::internal: return Status::intern;
    }
    return Status::intern;
}

const char* error_text(int code) {
    switch (code) {
        case MPI_SUCCESS: return "no error";
        case MPI_ERR_BUFFER: return "invalid buffer pointer";
        case MPI_ERR_COUNT: return "invalid count";
        case MPI_ERR_TYPE: return "invalid datatype";
        case MPI_ERR_TAG: return "invalid tag";
        case MPI_ERR_COMM: return "invalid communicator";
        case MPI_ERR_RANK: return "invalid rank";
        case MPI_ERR_REQUEST: return "invalid request";
        case MPI_ERR_ROOT: return "invalid root";
        case MPI_ERR_GROUP: return "invalid group";
        case MPI_ERR_OP: return "invalid reduction operation";
        case MPI_ERR_TOPOLOGY: return "invalid topology";
        case MPI_ERR_DIMS: return "invalid dimensions";
        case MPI_ERR_ARG: return "invalid argument";
        case MPI_ERR_UNKNOWN: return "unknown error";
        case MPI_ERR_TRUNCATE: return "message longer than the receive buffer";
        case MPI_ERR_OTHER: return "error of another kind";
        case MPI_ERR_INTERN: return "internal error of the library";
        case MPI_ERR_PENDING: return "operation neither failed nor completed";
        case MPI_ERR_IN_STATUS: return "the error is in the status array";
        case MPI_ERR_ACCESS: return "permission denied";
        case MPI_ERR_AMODE: return "invalid access mode of a file";
        case MPI_ERR_ASSERT: return "invalid assertion";
        case MPI_ERR_BAD_FILE: return "invalid file name";
        case MPI_ERR_BASE: return "invalid base address of a window";
        case MPI_ERR_CONVERSION: return "data conversion failed";
        case MPI_ERR_DISP: return "invalid displacement";
        case MPI_ERR_DUP_DATAREP: return "data representation defined already";
        case MPI_ERR_FILE_EXISTS: return "file exists";
        case MPI_ERR_FILE_IN_USE: return "file in use";
        case MPI_ERR_FILE: return "invalid file handle";
        case MPI_ERR_INFO_KEY: return "info key too long";
        case MPI_ERR_INFO_NOKEY: return "no such info key";
        case MPI_ERR_INFO_VALUE: return "info value too long";
        case MPI_ERR_INFO: return "invalid info object";
        case MPI_ERR_IO: return "input or output failed";
        case MPI_ERR_KEYVAL: return "invalid attribute key";
        case MPI_ERR_LOCKTYPE: return "invalid lock type";
        case MPI_ERR_NAME: return "service name not published";
        case MPI_ERR_NO_MEM: return "out of memory";
        case MPI_ERR_NOT_SAME: return "argument differs between processes";
        case MPI_ERR_NO_SPACE: return "not enough space in the file system";
        case MPI_ERR_NO_SUCH_FILE: return "no such file";
        case MPI_ERR_PORT: return "invalid port name";
        case MPI_ERR_QUOTA: return "quota exceeded";
        case MPI_ERR_READ_ONLY: return "read-only file or file system";
        case MPI_ERR_RMA_ATTACH: return "memory cannot be attached to the window";
        case MPI_ERR_RMA_CONFLICT: return "conflicting accesses to a window";
        case MPI_ERR_RMA_RANGE: return "target memory is not part of the window";
        case MPI_ERR_RMA_SHARED: return "memory cannot be shared";
        case MPI_ERR_RMA_SYNC: return "wrong synchronization of a window";
        case MPI_ERR_SERVICE: return "invalid service name";
        case MPI_ERR_SIZE: return "invalid size";
        case MPI_ERR_SPAWN: return "processes could not be started";
        case MPI_ERR_UNSUPPORTED_DATAREP: return "unsupported data representation";
        case MPI_ERR_UNSUPPORTED_OPERATION: return "unsupported operation";
        case MPI_ERR_WIN: return "invalid window";
        case MPI_ERR_RMA_FLAVOR: return "wrong flavor of window";
        case MPI_ERR_PROC_ABORTED: return "a peer process has ended";
        case MPI_ERR_VALUE_TOO_LARGE: return "value too large for the result";
        case MPI_ERR_SESSION: return "invalid session";
        case MPI_ERR_ERRHANDLER: return "invalid error handler";
        case MPI_ERR_ABI: return "mismatch of the binary interface";
        case MPI_ERR_LASTCODE: return "last error code";
        default: return nullptr;
    }
}

}  // namespace mpi
