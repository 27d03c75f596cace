// What a handle among the arguments means to calls that look at completion.
#pragma once

#include "mpi/core/process.hpp"
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

/// first_done(), and once more after a look at the engine when nothing is.
inline int look_for_done(int count, const MPI_Request* requests) {
    if (const int done = first_done(count, requests); done >= 0) return done;
    engine().look();
    return first_done(count, requests);
}

/// all_done(), and once more after a look at the engine when not all are.
inline bool look_for_all(int count, const MPI_Request* requests) {
    if (all_done(count, requests)) return true;
    engine().look();
    return all_done(count, requests);
}

/// How MPI_Testany and MPI_Request_get_status_any begin: `indx` becomes the first request that is
/// done, or MPI_UNDEFINED; `flag` says whether the call has its answer; without an active request
/// that is the empty status.
inline Status look_for_any(int count, const MPI_Request* requests, int& indx, int& flag,
                           MPI_Status* status) {
    int active = 0;
    indx = MPI_UNDEFINED;
    flag = 1;
    if (Status s = count_active(count, requests, &active); s != Status::ok) return s;
    if (active == 0) {
        set_empty(status);
    } else if (const int done = look_for_done(count, requests); done >= 0) {
        indx = done;
    } else {
        flag = 0;
    }
    return Status::ok;
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
