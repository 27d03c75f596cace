// Receives, probes and the combined calls (MPI-5.0 §3.2.4, §3.8, §3.10).
#include <new>
#include <vector>

#include "mpi/core/failure.hpp"
#include "mpi/gen/bodies.hpp"
#include "mpi/pt2pt/operations.hpp"

namespace mpi {

using pt2pt::match;

namespace pt2pt {

Status outcome_of_receive(const adi::Request& r, MPI_Status* status) {
    set_status(status, r.source, r.tag, static_cast<std::int64_t>(r.received_bytes), r.cancelled);
    if (r.status == adi::Status::ok) [[likely]]
        return Status::ok;
    if (r.status != adi::Status::truncated) return from_adi(r.status);
    return fail(Status::truncate,
                "the message from rank %d with tag %d has %llu bytes, the receive buffer %llu",
                r.source, r.tag, static_cast<unsigned long long>(r.total_bytes),
                static_cast<unsigned long long>(r.buffer.bytes));
}

Status start_receive(Request& r) {
    r.active = true;
    if (r.rank == MPI_PROC_NULL) {
        r.proc_null = true;
        r.stage = adi::Request::Stage::complete;
        return Status::ok;
    }
    engine().irecv(r, match(*r.comm, r.rank, r.tag_argument),
                   make_buffer(r.user_buffer, r.count, *r.type));
    return Status::ok;
}

namespace {

Status describe(void* buf, Count count, Datatype& datatype, int source, int tag, Comm& comm,
                Request*& request) {
    request = make_request(comm, datatype);
    if (request == nullptr) return Status::no_mem;
    request->adi::Request::receive = true;
    request->user_buffer = buf;
    request->count = count;
    request->rank = source;
    request->tag_argument = tag;
    return Status::ok;
}

}  // namespace
}  // namespace pt2pt

Status recv(void* buf, Count count, Datatype& datatype, int source, int tag, Comm& comm,
            MPI_Status* status) {
    adi::Request r;
    engine().irecv(r, match(comm, source, tag), make_buffer(buf, count, datatype));
    if (!r.complete()) engine().wait(r);
    return pt2pt::outcome_of_receive(r, status);
}

Status irecv(void* buf, Count count, Datatype& datatype, int source, int tag, Comm& comm,
             Request*& request) {
    if (Status s = pt2pt::describe(buf, count, datatype, source, tag, comm, request);
        s != Status::ok) {
        return s;
    }
    return pt2pt::start_receive(*request);
}

Status recv_init(void* buf, Count count, Datatype& datatype, int source, int tag, Comm& comm,
                 Request*& request) {
    const Status s = pt2pt::describe(buf, count, datatype, source, tag, comm, request);
    if (s == Status::ok) request->persistent = true;
    return s;
}

// --- probes --------------------------------------------------------------------------------------

Status probe(int source, int tag, Comm& comm, MPI_Status* status) {
    adi::Envelope found;
    const adi::Match wanted = match(comm, source, tag);
    bool there = false;
    engine().wait_until(
        [&] { return (there = engine().probe(wanted, &found)) || engine().lost(wanted); },
        adi::Awaited{.match = &wanted});
    if (!there) [[unlikely]]
        return proc_failed();
    set_status(status, found.source, found.tag, static_cast<std::int64_t>(found.bytes));
    return Status::ok;
}

Status iprobe(int source, int tag, Comm& comm, int& flag, MPI_Status* status) {
    flag = 1;
    if (source == MPI_PROC_NULL) {
        set_proc_null(status);
        return Status::ok;
    }
    adi::Envelope found;
    if (!engine().probe(match(comm, source, tag), &found)) {
        engine().look();
        if (!engine().probe(match(comm, source, tag), &found)) {
            flag = 0;
            return engine().lost(match(comm, source, tag)) ? proc_failed() : Status::ok;
        }
    }
    set_status(status, found.source, found.tag, static_cast<std::int64_t>(found.bytes));
    return Status::ok;
}

// --- both at once --------------------------------------------------------------------------------

Status pt2pt::copy_out(const adi::Buffer& user, int dest, std::unique_ptr<std::byte[]>& copy) {
    if (dest == MPI_PROC_NULL || user.bytes == 0) return Status::ok;
    copy.reset(new (std::nothrow) std::byte[user.bytes]);
    if (!copy) {
        return fail(Status::no_mem, "no memory for a copy of %llu bytes",
                    static_cast<unsigned long long>(user.bytes));
    }
    user.read(0, copy.get(), user.bytes);
    return Status::ok;
}

namespace {

/// Sends `out` and receives `in`, at the same time; either may be with MPI_PROC_NULL.
Status exchange(const adi::Buffer& out, int dest, int sendtag, const adi::Buffer& in, int source,
                int recvtag, Comm& comm, MPI_Status* status) {
    adi::Request receive, send;
    if (source != MPI_PROC_NULL) engine().irecv(receive, match(comm, source, recvtag), in);
    if (dest != MPI_PROC_NULL) {
        engine().isend(send, comm.process(dest), match(comm, comm.rank, sendtag), out, false);
        engine().wait(send);
    }
    if (source == MPI_PROC_NULL) {
        set_proc_null(status);
    } else {
        engine().wait(receive);
        if (Status s = pt2pt::outcome_of_receive(receive, status); s != Status::ok) return s;
    }
    return dest == MPI_PROC_NULL ? Status::ok : from_adi(send.status);
}

}  // namespace

Status sendrecv(const void* sendbuf, Count sendcount, Datatype& sendtype, int dest, int sendtag,
                void* recvbuf, Count recvcount, Datatype& recvtype, int source, int recvtag,
                Comm& comm, MPI_Status* status) {
    return exchange(make_buffer(sendbuf, sendcount, sendtype), dest, sendtag,
                    make_buffer(recvbuf, recvcount, recvtype), source, recvtag, comm, status);
}

Status sendrecv_replace(void* buf, Count count, Datatype& datatype, int dest, int sendtag,
                        int source, int recvtag, Comm& comm, MPI_Status* status) {
    const adi::Buffer user = make_buffer(buf, count, datatype);
    std::unique_ptr<std::byte[]> copy;
    if (Status s = pt2pt::copy_out(user, dest, copy); s != Status::ok) return s;
    return exchange(adi::contiguous(copy.get(), user.bytes), dest, sendtag, user, source, recvtag,
                    comm, status);
}

}  // namespace mpi
