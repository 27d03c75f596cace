// Completion: wait and test, for one, any, all, some (MPI-5.0 §3.7.3, §3.7.5).
#include "mpi/gen/bodies.hpp"
#include "mpi/pt2pt/entry.hpp"
#include "mpi/pt2pt/operations.hpp"

namespace mpi {

using namespace pt2pt;

namespace {

/// Waits for all requests and finishes them; MPI_ERR_IN_STATUS when one failed.
Status finish_all(int count, MPI_Request* requests, MPI_Status* statuses) {
    bool failed = false;
    for (int i = 0; i < count; ++i) {
        const Entry e = look_up(requests[i]);
        Status s = Status::ok;
        if (e.active()) {
            if (!e.request->complete()) engine().wait(*e.request);
            s = pt2pt::finish(*e.request, &requests[i], nth(statuses, i));
        } else {
            set_empty(nth(statuses, i));
        }
        failed = failed || s != Status::ok;
        set_error(nth(statuses, i), static_cast<int>(s));
    }
    return failed ? Status::in_status : Status::ok;
}

/// Finishes the requests that are complete.
Status finish_some(int count, MPI_Request* requests, int& outcount, int* indices,
                   MPI_Status* statuses) {
    bool failed = false;
    outcount = 0;
    for (int i = 0; i < count; ++i) {
        const Entry e = look_up(requests[i]);
        if (!e.done()) continue;
        MPI_Status* status = nth(statuses, outcount);
        const Status s = pt2pt::finish(*e.request, &requests[i], status);
        failed = failed || s != Status::ok;
        set_error(status, static_cast<int>(s));
        indices[outcount++] = i;
    }
    return failed ? Status::in_status : Status::ok;
}

}  // namespace

Status wait(MPI_Request* request, MPI_Status* status) {
    const Entry e = look_up(*request);
    if (e.bad) return bad_single(*request);
    if (!e.active()) {
        set_empty(status);
        return Status::ok;
    }
    if (!e.request->complete()) engine().wait(*e.request);
    return pt2pt::finish(*e.request, request, status);
}

Status test(MPI_Request* request, int& flag, MPI_Status* status) {
    const Entry e = look_up(*request);
    if (e.bad) return bad_single(*request);
    flag = 1;
    if (!e.active()) {
        set_empty(status);
        return Status::ok;
    }
    if (!e.request->complete()) engine().look();
    if (e.request->complete()) return pt2pt::finish(*e.request, request, status);
    flag = 0;
    return Status::ok;
}

Status waitany(int count, MPI_Request* array_of_requests, int& indx, MPI_Status* status) {
    int active = 0;
    indx = MPI_UNDEFINED;
    if (Status s = count_active(count, array_of_requests, &active); s != Status::ok) return s;
    if (active == 0) {
        set_empty(status);
        return Status::ok;
    }
    engine().wait_until([&] { return (indx = first_done(count, array_of_requests)) >= 0; },
                        adi::Awaited{.requests = count});
    // It is done, so there is a request. NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker)
    return pt2pt::finish(*look_up(array_of_requests[indx]).request, &array_of_requests[indx],
                         status);
}

Status testany(int count, MPI_Request* array_of_requests, int& indx, int& flag,
               MPI_Status* status) {
    const Status s = look_for_any(count, array_of_requests, indx, flag, status);
    if (s != Status::ok || indx == MPI_UNDEFINED) return s;
    // It is done, so there is a request. NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker)
    return pt2pt::finish(*look_up(array_of_requests[indx]).request, &array_of_requests[indx],
                         status);
}

Status waitall(int count, MPI_Request* array_of_requests, MPI_Status* array_of_statuses) {
    int active = 0;
    if (Status s = count_active(count, array_of_requests, &active); s != Status::ok) return s;
    return finish_all(count, array_of_requests, array_of_statuses);
}

Status testall(int count, MPI_Request* array_of_requests, int& flag,
               MPI_Status* array_of_statuses) {
    int active = 0;
    if (Status s = count_active(count, array_of_requests, &active); s != Status::ok) return s;
    flag = look_for_all(count, array_of_requests) ? 1 : 0;
    return flag == 0 ? Status::ok : finish_all(count, array_of_requests, array_of_statuses);
}

Status waitsome(int incount, MPI_Request* array_of_requests, int& outcount, int* array_of_indices,
                MPI_Status* array_of_statuses) {
    int active = 0;
    outcount = MPI_UNDEFINED;
    if (Status s = count_active(incount, array_of_requests, &active); s != Status::ok) return s;
    if (active == 0) return Status::ok;
    engine().wait_until([&] { return first_done(incount, array_of_requests) >= 0; },
                        adi::Awaited{.requests = incount});
    return finish_some(incount, array_of_requests, outcount, array_of_indices, array_of_statuses);
}

Status testsome(int incount, MPI_Request* array_of_requests, int& outcount, int* array_of_indices,
                MPI_Status* array_of_statuses) {
    int active = 0;
    outcount = MPI_UNDEFINED;
    if (Status s = count_active(incount, array_of_requests, &active); s != Status::ok) return s;
    if (active == 0) return Status::ok;
    if (first_done(incount, array_of_requests) < 0) engine().look();
    return finish_some(incount, array_of_requests, outcount, array_of_indices, array_of_statuses);
}

}  // namespace mpi
