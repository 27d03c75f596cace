#include "mpi/core/error.hpp"

#include <cstdarg>
#include <cstdio>

#include "mpi/core/failure.hpp"

namespace mpi {

namespace {

constexpr std::size_t kDetailBytes = 320;
thread_local char detail[kDetailBytes] = "";

struct ClassText {
    int code;
    const char* text;
};

constexpr ClassText kTexts[] = {
    {MPI_SUCCESS, "no error"},
    {MPI_ERR_BUFFER, "invalid buffer pointer"},
    {MPI_ERR_COUNT, "invalid count"},
    {MPI_ERR_TYPE, "invalid datatype"},
    {MPI_ERR_TAG, "invalid tag"},
    {MPI_ERR_COMM, "invalid communicator"},
    {MPI_ERR_RANK, "invalid rank"},
    {MPI_ERR_REQUEST, "invalid request"},
    {MPI_ERR_ROOT, "invalid root"},
    {MPI_ERR_GROUP, "invalid group"},
    {MPI_ERR_OP, "invalid reduction operation"},
    {MPI_ERR_TOPOLOGY, "invalid topology"},
    {MPI_ERR_DIMS, "invalid dimensions"},
    {MPI_ERR_ARG, "invalid argument"},
    {MPI_ERR_UNKNOWN, "unknown error"},
    {MPI_ERR_TRUNCATE, "message longer than the receive buffer"},
    {MPI_ERR_OTHER, "error of another kind"},
    {MPI_ERR_INTERN, "internal error of the library"},
    {MPI_ERR_PENDING, "operation neither failed nor completed"},
    {MPI_ERR_IN_STATUS, "the error is in the status array"},
    {MPI_ERR_ACCESS, "permission denied"},
    {MPI_ERR_AMODE, "invalid access mode of a file"},
    {MPI_ERR_ASSERT, "invalid assertion"},
    {MPI_ERR_BAD_FILE, "invalid file name"},
    {MPI_ERR_BASE, "invalid base address of a window"},
    {MPI_ERR_CONVERSION, "data conversion failed"},
    {MPI_ERR_DISP, "invalid displacement"},
    {MPI_ERR_DUP_DATAREP, "data representation defined already"},
    {MPI_ERR_FILE_EXISTS, "file exists"},
    {MPI_ERR_FILE_IN_USE, "file in use"},
    {MPI_ERR_FILE, "invalid file handle"},
    {MPI_ERR_INFO_KEY, "info key too long"},
    {MPI_ERR_INFO_NOKEY, "no such info key"},
    {MPI_ERR_INFO_VALUE, "info value too long"},
    {MPI_ERR_INFO, "invalid info object"},
    {MPI_ERR_IO, "input or output failed"},
    {MPI_ERR_KEYVAL, "invalid attribute key"},
    {MPI_ERR_LOCKTYPE, "invalid lock type"},
    {MPI_ERR_NAME, "service name not published"},
    {MPI_ERR_NO_MEM, "out of memory"},
    {MPI_ERR_NOT_SAME, "argument differs between processes"},
    {MPI_ERR_NO_SPACE, "not enough space in the file system"},
    {MPI_ERR_NO_SUCH_FILE, "no such file"},
    {MPI_ERR_PORT, "invalid port name"},
    {MPI_ERR_QUOTA, "quota exceeded"},
    {MPI_ERR_READ_ONLY, "read-only file or file system"},
    {MPI_ERR_RMA_ATTACH, "memory cannot be attached to the window"},
    {MPI_ERR_RMA_CONFLICT, "conflicting accesses to a window"},
    {MPI_ERR_RMA_RANGE, "target memory is not part of the window"},
    {MPI_ERR_RMA_SHARED, "memory cannot be shared"},
    {MPI_ERR_RMA_SYNC, "wrong synchronization of a window"},
    {MPI_ERR_SERVICE, "invalid service name"},
    {MPI_ERR_SIZE, "invalid size"},
    {MPI_ERR_SPAWN, "processes could not be started"},
    {MPI_ERR_UNSUPPORTED_DATAREP, "unsupported data representation"},
    {MPI_ERR_UNSUPPORTED_OPERATION, "unsupported operation"},
    {MPI_ERR_WIN, "invalid window"},
    {MPI_ERR_RMA_FLAVOR, "wrong flavor of window"},
    {MPI_ERR_PROC_ABORTED, "a peer process has ended"},
    {MPI_ERR_VALUE_TOO_LARGE, "value too large for the result"},
    {MPI_ERR_SESSION, "invalid session"},
    {MPI_ERR_ERRHANDLER, "invalid error handler"},
    {MPI_ERR_ABI, "mismatch of the binary interface"},
    {MPIX_ERR_PROC_FAILED, "a process of the communicator is lost"},
    {MPIX_ERR_PROC_FAILED_PENDING, "a process is lost, and the operation is pending"},
    {MPI_ERR_LASTCODE, "last error code"},
};

}  // namespace

Status fail(Status status, const char* format, ...) {
    va_list values;
    va_start(values, format);
    std::vsnprintf(detail, sizeof detail, format, values);
    va_end(values);
    return status;
}

const char* error_detail() {
    return detail;
}

void clear_error_detail() {
    detail[0] = '\0';
}

Status from_adi(adi::Status status) {
    switch (status) {
        case adi::Status::ok: return Status::ok;
        case adi::Status::truncated: return Status::truncate;
        case adi::Status::peer_failed: return proc_failed();
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
    for (const ClassText& entry : kTexts) {
        if (entry.code == code) return entry.text;
    }
    return nullptr;
}

}  // namespace mpi
