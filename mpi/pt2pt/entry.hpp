// What a handle among the arguments means to calls that look at completion.
#pragma once

#include "mpi/core/request.hpp"
#include "mpi/core/status.hpp"

namespace mpi::pt2pt {

/// What a handle in an array of requests means to a completion call.
struct Entry {
    Request* request = nullptr;  ///< null for MPI_REQUEST_NULL
    bool bad = false;            ///< no live request

    bool active() const { return request != nullptr && request->active; }
    bool done() const { return active() && request->complete(); }
};

inline Entry look_up(MPI_Request handle) {
    if (handle == MPI_REQUEST_NULL) return {};
    Request* r = find<Request>(handle);
    return {r, r == nullptr};
}

inline Status bad_request(int index, MPI_Request handle) {
    return fail(Status::request, "array_of_requests[%d] = %p is not a live request", index,
                static_cast<void*>(handle));
}

/// Checks all handles; tells how many are active.
inline Status count_active(int count, const MPI_Request* requests, int* active) {
    *active = 0;
    for (int i = 0; i < count; ++i) {
        const Entry e = look_up(requests[i]);
        if (e.bad) return bad_request(i, requests[i]);
        if (e.active()) ++*active;
    }
    return Status::ok;
}

inline int first_done(int count, const MPI_Request* requests) {
    for (int i = 0; i < count; ++i) {
        if (look_up(requests[i]).done()) return i;
    }
    return -1;
}

inline bool all_done(int count, const MPI_Request* requests) {
    for (int i = 0; i < count; ++i) {
        const Entry e = look_up(requests[i]);
        if (e.active() && !e.request->complete()) return false;
    }
    return true;
}

inline MPI_Status* nth(MPI_Status* statuses, int i) {
    return statuses == MPI_STATUSES_IGNORE ? MPI_STATUS_IGNORE : statuses + i;
}

inline void set_error(MPI_Status* status, int error) {
    if (status != MPI_STATUS_IGNORE) status->MPI_ERROR = error;
}

inline Status bad_single(MPI_Request handle) {
    return fail(Status::request, "request %p is not a live request", static_cast<void*>(handle));
}

}  // namespace mpi::pt2pt
