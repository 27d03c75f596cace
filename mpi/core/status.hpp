// What Fathom keeps in the private part of MPI_Status (MPI-5.0 §3.2.5): the length in bytes as 64
// bits in MPI_internal[0..1], and whether the operation was cancelled in [2].
#pragma once

#include <mpi.h>

#include <cstdint>
#include <cstring>

namespace mpi {

inline std::int64_t status_bytes(const MPI_Status& status) {
    std::int64_t bytes;
    std::memcpy(&bytes, status.MPI_internal, sizeof bytes);
    return bytes;
}
inline void set_status_bytes(MPI_Status& status, std::int64_t bytes) {
    std::memcpy(status.MPI_internal, &bytes, sizeof bytes);
}
inline bool status_cancelled(const MPI_Status& status) {
    return status.MPI_internal[2] != 0;
}
inline void set_status_cancelled(MPI_Status& status, bool cancelled) {
    status.MPI_internal[2] = cancelled ? 1 : 0;
}

/// Fills source, tag, length and cancelled flag; MPI_ERROR is left alone, as the standard asks of
/// calls that return one status.
inline void set_status(MPI_Status* status, int source, int tag, std::int64_t bytes,
                       bool cancelled = false) {
    if (status == MPI_STATUS_IGNORE) return;
    status->MPI_SOURCE = source;
    status->MPI_TAG = tag;
    set_status_bytes(*status, bytes);
    set_status_cancelled(*status, cancelled);
}

/// The empty status: any source, any tag, length 0 (MPI-5.0 §3.7.3).
inline void set_empty(MPI_Status* status) {
    set_status(status, MPI_ANY_SOURCE, MPI_ANY_TAG, 0);
}
/// The status of a receive from MPI_PROC_NULL (MPI-5.0 §3.10).
inline void set_proc_null(MPI_Status* status) {
    set_status(status, MPI_PROC_NULL, MPI_ANY_TAG, 0);
}

}  // namespace mpi
