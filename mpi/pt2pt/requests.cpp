// The life of requests: made, started, finished, cancelled, freed (MPI-5.0 §3.7.3, §3.8.4, §3.9).
#include "mpi/core/call.hpp"
#include "mpi/gen/bodies.hpp"
#include "mpi/pt2pt/operations.hpp"

namespace mpi {
namespace pt2pt {

Request* make_request() {
    Request* r = table<Request>().create();
    if (r == nullptr) static_cast<void>(fail(Status::no_mem, "no room for another request"));
    return r;
}

Request* make_request(Comm& comm, Datatype& type) {
    Request* r = make_request();
    if (r == nullptr) return nullptr;
    retain(&comm);
    retain(&type);
    r->comm = &comm;
    r->type = &type;
    return r;
}

void destroy(Request& request) {
    request.operation.reset();  // it may still look at the communicator
    if (request.comm != nullptr) release(request.comm);
    if (request.type != nullptr) release(request.type);
    table<Request>().destroy(&request);
}

Status outcome(Request& r, MPI_Status* status) {
    if (r.operation) {
        const Status result = r.operation->outcome(r, status);
        if (result != Status::ok && r.comm != nullptr) blame(r.comm);
        return result;
    }
    if (r.proc_null) {
        if (r.adi::Request::receive) {
            set_proc_null(status);
        } else {
            set_empty(status);
        }
        return Status::ok;
    }
    Status result = Status::ok;
    if (r.adi::Request::receive) {
        result = outcome_of_receive(r, status);
    } else {
        set_status(status, MPI_ANY_SOURCE, MPI_ANY_TAG, 0, r.cancelled);
        if (r.adi::Request::status != adi::Status::ok) result = from_adi(r.adi::Request::status);
    }
    if (result != Status::ok) [[unlikely]]
        blame(r.comm);
    return result;
}

Status finish(Request& r, MPI_Request* handle, MPI_Status* status) {
    Status s = outcome(r, status);
    if (r.persistent) {
        r.active = false;
        r.proc_null = false;
    } else {
        if (r.operation) {
            if (const Status freed = r.operation->free(r); s == Status::ok) s = freed;
        }
        destroy(r);
        *handle = MPI_REQUEST_NULL;
    }
    return s;
}

namespace {

/// The live request of a handle, or null with the error recorded.
Request* decode(MPI_Request handle) {
    Request* r = find<Request>(handle);
    if (r == nullptr) {
        static_cast<void>(fail(Status::request,
                               handle == MPI_REQUEST_NULL ? "request is MPI_REQUEST_NULL"
                                                          : "request %p is not a live request",
                               static_cast<void*>(handle)));
    }
    return r;
}

Status start_one(MPI_Request handle) {
    Request* r = decode(handle);
    if (r == nullptr) return Status::request;
    if (!r->persistent) return fail(Status::request, "the request is not a persistent one");
    if (r->active) return fail(Status::request, "the request is active already");
    const Status s = r->operation               ? r->operation->start(*r)
                     : r->adi::Request::receive ? start_receive(*r)
                                                : start_send(*r);
    if (s != Status::ok) {
        r->active = false;
        if (r->comm != nullptr) blame(r->comm);
    }
    return s;
}

}  // namespace
}  // namespace pt2pt

Status start(MPI_Request* request) {
    return pt2pt::start_one(*request);
}

Status startall(int count, MPI_Request* array_of_requests) {
    for (int i = 0; i < count; ++i) {
        if (Status s = pt2pt::start_one(array_of_requests[i]); s != Status::ok) return s;
    }
    return Status::ok;
}

Status request_free(MPI_Request* request) {
    Request* r = pt2pt::decode(*request);
    if (r == nullptr) return Status::request;
    if (r->operation) {
        if (Status s = r->operation->check_free(*r); s != Status::ok) return s;
    }
    *request = MPI_REQUEST_NULL;
    if (!r->active || r->complete()) {
        const Status s = r->operation ? r->operation->free(*r) : Status::ok;
        pt2pt::destroy(*r);
        return s;
    }
    // The operation goes on; the request dies with its completion.
    table<Request>().retire(r);
    r->on_complete = [](adi::Request& done) {
        auto& freed = static_cast<Request&>(done);
        if (freed.operation) static_cast<void>(freed.operation->free(freed));
        pt2pt::destroy(freed);
    };
    return Status::ok;
}

Status cancel(MPI_Request* request) {
    Request* r = pt2pt::decode(*request);
    if (r == nullptr) return Status::request;
    if (!r->active) return fail(Status::request, "the request is not active");
    if (r->operation) return r->operation->cancel(*r);
    engine().cancel(*r);
    return Status::ok;
}

Status test_cancelled(const MPI_Status& status, int& flag) {
    flag = status_cancelled(status) ? 1 : 0;
    return Status::ok;
}

}  // namespace mpi
