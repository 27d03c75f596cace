// Generalized requests (MPI-5.0 §13.2): the user says when they are complete, and supplies what
// MPI does otherwise.
#include <memory>
#include <new>

#include "mpi/core/call.hpp"
#include "mpi/core/process.hpp"
#include "mpi/core/status.hpp"
#include "mpi/gen/bodies.hpp"
#include "mpi/pt2pt/operations.hpp"

namespace mpi {
namespace {

/// An error code that a function of the user's gave.
Status user_status(int code) {
    return static_cast<Status>(code);
}

class Generalized final : public Operation {
  public:
    Generalized(MPI_Grequest_query_function* query_fn, MPI_Grequest_free_function* free_fn,
                MPI_Grequest_cancel_function* cancel_fn, void* state)
        : query_(query_fn), free_(free_fn), cancel_(cancel_fn), state_(state) {}

    Status start(Request&) override {
        return fail(Status::request, "the request is not a persistent one");
    }

    /// The function always gets a status, also where the caller ignores it.
    Status outcome(Request&, MPI_Status* status) override {
        MPI_Status ignored{};
        if (status == MPI_STATUS_IGNORE) status = &ignored;
        set_empty(status);
        const Unlocked unlocked;
        return user_status(query_(state_, status));
    }

    Status cancel(Request& request) override {
        const int complete = request.complete() ? 1 : 0;
        const Unlocked unlocked;
        return user_status(cancel_(state_, complete));
    }

    Status free(Request&) override {
        const Unlocked unlocked;
        return user_status(free_(state_));
    }

  private:
    MPI_Grequest_query_function* query_;
    MPI_Grequest_free_function* free_;
    MPI_Grequest_cancel_function* cancel_;
    void* state_;
};

}  // namespace

Status grequest_start(MPI_Grequest_query_function* query_fn, MPI_Grequest_free_function* free_fn,
                      MPI_Grequest_cancel_function* cancel_fn, void* extra_state,
                      Request*& request) {
    request = pt2pt::make_request();
    if (request == nullptr) return Status::no_mem;
    request->operation.reset(new (std::nothrow)
                                 Generalized(query_fn, free_fn, cancel_fn, extra_state));
    if (!request->operation) {
        pt2pt::destroy(*request);
        request = nullptr;
        return fail(Status::no_mem, "no memory for a request");
    }
    request->active = true;
    return Status::ok;
}

/// The handle may be the copy of one that MPI_Request_free was called with.
Status grequest_complete(MPI_Request request) {
    const auto value = reinterpret_cast<std::uintptr_t>(request);
    Request* r = table<Request>().find(value);
    if (r == nullptr) r = table<Request>().find_retired(value);
    if (r == nullptr)
        return fail(Status::request, "request %p is not a live request",
                    static_cast<void*>(request));
    if (dynamic_cast<Generalized*>(r->operation.get()) == nullptr) {
        return fail(Status::request, "the request is not a generalized one");
    }
    if (r->complete()) return fail(Status::request, "the request is complete already");
    engine().finish(*r, adi::Status::ok);
    return Status::ok;
}

}  // namespace mpi
