// Blocking and nonblocking sends (MPI-5.0 §3.2, §3.4, §3.7). The shells have checked arguments.
#include "mpi/gen/bodies.hpp"
#include "mpi/pt2pt/operations.hpp"

namespace mpi {

using pt2pt::match;

Status send(const void* buf, Count count, Datatype& datatype, int dest, int tag, Comm& comm) {
    const adi::Status s = engine().send(comm.process(dest), match(comm, comm.rank, tag),
                                        make_buffer(buf, count, datatype));
    return s == adi::Status::ok ? Status::ok : from_adi(s);
}

/// A ready send may be a standard send (MPI-5.0 §3.4): it costs nothing to be generous.
Status rsend(const void* buf, Count count, Datatype& datatype, int dest, int tag, Comm& comm) {
    return send(buf, count, datatype, dest, tag, comm);
}

Status ssend(const void* buf, Count count, Datatype& datatype, int dest, int tag, Comm& comm) {
    adi::Request r;
    engine().isend(r, comm.process(dest), match(comm, comm.rank, tag),
                   make_buffer(buf, count, datatype), true);
    engine().wait(r);
    return from_adi(r.status);
}

Status bsend(const void* buf, Count count, Datatype& datatype, int dest, int tag, Comm& comm) {
    return pt2pt::buffered_send(buf, count, datatype, dest, tag, comm);
}

namespace pt2pt {
namespace {

/// A request for a send, nonblocking or persistent, not started.
Status describe(const void* buf, Count count, Datatype& datatype, int dest, int tag, Comm& comm,
                SendMode mode, Request*& request) {
    request = make_request(comm, datatype);
    if (request == nullptr) return Status::no_mem;
    request->adi::Request::receive = false;
    request->user_buffer = const_cast<void*>(buf);
    request->count = count;
    request->rank = dest;
    request->tag_argument = tag;
    request->mode = mode;
    return Status::ok;
}

Status start_new(const void* buf, Count count, Datatype& datatype, int dest, int tag, Comm& comm,
                 SendMode mode, Request*& request) {
    if (Status s = describe(buf, count, datatype, dest, tag, comm, mode, request);
        s != Status::ok) {
        return s;
    }
    if (Status s = start_send(*request); s != Status::ok) {
        destroy(*request);
        request = nullptr;
        return s;
    }
    return Status::ok;
}

Status make_persistent(const void* buf, Count count, Datatype& datatype, int dest, int tag,
                       Comm& comm, SendMode mode, Request*& request) {
    const Status s = describe(buf, count, datatype, dest, tag, comm, mode, request);
    if (s == Status::ok) request->persistent = true;
    return s;
}

}  // namespace

Status start_send(Request& r) {
    r.active = true;
    if (r.rank == MPI_PROC_NULL) {
        r.proc_null = true;
        r.stage = adi::Request::Stage::complete;
        return Status::ok;
    }
    if (r.mode == SendMode::buffered) {
        r.stage = adi::Request::Stage::complete;
        r.adi::Request::status = adi::Status::ok;
        r.cancelled = false;
        return buffered_send(r.user_buffer, r.count, *r.type, r.rank, r.tag_argument, *r.comm);
    }
    engine().isend(r, r.comm->process(r.rank), match(*r.comm, r.comm->rank, r.tag_argument),
                   make_buffer(r.user_buffer, r.count, *r.type), r.mode == SendMode::synchronous);
    return Status::ok;
}

}  // namespace pt2pt

Status isend(const void* buf, Count count, Datatype& datatype, int dest, int tag, Comm& comm,
             Request*& request) {
    return pt2pt::start_new(buf, count, datatype, dest, tag, comm, SendMode::standard, request);
}
Status ibsend(const void* buf, Count count, Datatype& datatype, int dest, int tag, Comm& comm,
              Request*& request) {
    return pt2pt::start_new(buf, count, datatype, dest, tag, comm, SendMode::buffered, request);
}
Status issend(const void* buf, Count count, Datatype& datatype, int dest, int tag, Comm& comm,
              Request*& request) {
    return pt2pt::start_new(buf, count, datatype, dest, tag, comm, SendMode::synchronous, request);
}
Status irsend(const void* buf, Count count, Datatype& datatype, int dest, int tag, Comm& comm,
              Request*& request) {
    return pt2pt::start_new(buf, count, datatype, dest, tag, comm, SendMode::ready, request);
}

Status send_init(const void* buf, Count count, Datatype& datatype, int dest, int tag, Comm& comm,
                 Request*& request) {
    return pt2pt::make_persistent(buf, count, datatype, dest, tag, comm, SendMode::standard,
                                  request);
}
Status bsend_init(const void* buf, Count count, Datatype& datatype, int dest, int tag, Comm& comm,
                  Request*& request) {
    return pt2pt::make_persistent(buf, count, datatype, dest, tag, comm, SendMode::buffered,
                                  request);
}
Status ssend_init(const void* buf, Count count, Datatype& datatype, int dest, int tag, Comm& comm,
                  Request*& request) {
    return pt2pt::make_persistent(buf, count, datatype, dest, tag, comm, SendMode::synchronous,
                                  request);
}
Status rsend_init(const void* buf, Count count, Datatype& datatype, int dest, int tag, Comm& comm,
                  Request*& request) {
    return pt2pt::make_persistent(buf, count, datatype, dest, tag, comm, SendMode::ready, request);
}

}  // namespace mpi
