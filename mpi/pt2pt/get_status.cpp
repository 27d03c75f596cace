// A look at requests that leaves them as they are (MPI-5.0 §3.7.6). A request that failed makes the
// call return its error, as the call that completes it will.
#include "mpi/gen/bodies.hpp"
#include "mpi/pt2pt/entry.hpp"
#include "mpi/pt2pt/operations.hpp"

namespace mpi {

using namespace pt2pt;

namespace {

/// Fills the status of one entry of an array, which is complete or not active.
Status look_at(const Entry& entry, MPI_Status* status) {
    Status s = Status::ok;
    if (entry.active()) {
        s = outcome(*entry.request, status);
    } else {
        set_empty(status);
    }
    set_error(status, static_cast<int>(s));
    return s;
}

}  // namespace

Status request_get_status(MPI_Request request, int& flag, MPI_Status* status) {
    const Entry e = look_up(request);
    if (e.bad) return bad_single(request);
    flag = 1;
    if (!e.active()) {
        set_empty(status);
        return Status::ok;
    }
    if (!e.request->complete()) engine().look();
    if (e.request->complete()) return outcome(*e.request, status);
    flag = 0;
    return Status::ok;
}

Status request_get_status_any(int count, const MPI_Request* array_of_requests, int& indx, int& flag,
                              MPI_Status* status) {
    const Status s = look_for_any(count, array_of_requests, indx, flag, status);
    if (s != Status::ok || indx == MPI_UNDEFINED) return s;
    // It is done, so there is a request. NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker)
    return outcome(*look_up(array_of_requests[indx]).request, status);
}

Status request_get_status_all(int count, const MPI_Request* array_of_requests, int& flag,
                              MPI_Status* array_of_statuses) {
    int active = 0;
    if (Status s = count_active(count, array_of_requests, &active); s != Status::ok) return s;
    flag = look_for_all(count, array_of_requests) ? 1 : 0;
    bool failed = false;
    for (int i = 0; flag != 0 && i < count; ++i) {
        const Status s = look_at(look_up(array_of_requests[i]), nth(array_of_statuses, i));
        failed = failed || s != Status::ok;
    }
    return failed ? Status::in_status : Status::ok;
}

Status request_get_status_some(int incount, const MPI_Request* array_of_requests, int& outcount,
                               int* array_of_indices, MPI_Status* array_of_statuses) {
    int active = 0;
    outcount = MPI_UNDEFINED;
    if (Status s = count_active(incount, array_of_requests, &active); s != Status::ok) return s;
    if (active == 0) return Status::ok;
    if (first_done(incount, array_of_requests) < 0) engine().look();
    bool failed = false;
    outcount = 0;
    for (int i = 0; i < incount; ++i) {
        const Entry e = look_up(array_of_requests[i]);
        if (!e.done()) continue;
        const Status s = look_at(e, nth(array_of_statuses, outcount));
        failed = failed || s != Status::ok;
        array_of_indices[outcount++] = i;
    }
    return failed ? Status::in_status : Status::ok;
}

}  // namespace mpi
