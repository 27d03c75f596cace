// Probes that take the message they find, and its receives (MPI-5.0 §3.8.2, §3.8.3).
#include "mpi/core/call.hpp"
#include "mpi/core/failure.hpp"
#include "mpi/core/message.hpp"
#include "mpi/gen/bodies.hpp"
#include "mpi/pt2pt/operations.hpp"

namespace mpi {

using pt2pt::match;

namespace {

/// Takes the message for (source, tag) out of the queue behind a new handle; `*handle` is
/// MPI_MESSAGE_NULL when there is none.
Status take(int source, int tag, Comm& comm, MPI_Message* handle, MPI_Status* status) {
    *handle = MPI_MESSAGE_NULL;
    adi::Envelope found;
    if (!engine().probe(match(comm, source, tag), &found)) return Status::ok;
    Message* message = table<Message>().create();
    if (message == nullptr) return fail(Status::no_mem, "no room for another message handle");
    message->arrival = engine().mprobe(match(comm, source, tag), &found);
    message->comm = &comm;
    retain(&comm);
    set_status(status, found.source, found.tag, static_cast<std::int64_t>(found.bytes));
    *handle = handle_of<MPI_Message>(*message);
    return Status::ok;
}

/// Gives up the handle; what it stood for is returned, with the communicator's reference.
Message consume(Message& message, MPI_Message* handle) {
    const Message copy = message;
    table<Message>().destroy(&message);
    *handle = MPI_MESSAGE_NULL;
    return copy;
}

Status bad_message(MPI_Message handle) {
    return fail(Status::request,
                handle == MPI_MESSAGE_NULL ? "message is MPI_MESSAGE_NULL"
                                           : "message %p is not a live message: received already",
                static_cast<void*>(handle));
}

}  // namespace

Status mprobe(int source, int tag, Comm& comm, MPI_Message* message, MPI_Status* status) {
    if (source == MPI_PROC_NULL) {
        *message = MPI_MESSAGE_NO_PROC;
        set_proc_null(status);
        return Status::ok;
    }
    Status s = Status::ok;
    const adi::Match wanted = match(comm, source, tag);
    engine().wait_until(
        [&] {
            s = take(source, tag, comm, message, status);
            return s != Status::ok || *message != MPI_MESSAGE_NULL || engine().lost(wanted);
        },
        adi::Awaited{.match = &wanted});
    return s == Status::ok && *message == MPI_MESSAGE_NULL ? proc_failed() : s;
}

Status improbe(int source, int tag, Comm& comm, int& flag, MPI_Message* message,
               MPI_Status* status) {
    flag = 1;
    if (source == MPI_PROC_NULL) {
        *message = MPI_MESSAGE_NO_PROC;
        set_proc_null(status);
        return Status::ok;
    }
    Status s = take(source, tag, comm, message, status);
    if (s == Status::ok && *message == MPI_MESSAGE_NULL) {
        engine().look();
        s = take(source, tag, comm, message, status);
    }
    flag = *message != MPI_MESSAGE_NULL ? 1 : 0;
    if (s == Status::ok && flag == 0 && engine().lost(match(comm, source, tag))) {
        return proc_failed();
    }
    return s;
}

Status mrecv(void* buf, Count count, Datatype& datatype, MPI_Message* message, MPI_Status* status) {
    if (*message == MPI_MESSAGE_NO_PROC) {
        *message = MPI_MESSAGE_NULL;
        set_proc_null(status);
        return Status::ok;
    }
    Message* found = find<Message>(*message);
    if (found == nullptr) return bad_message(*message);
    const Message taken = consume(*found, message);
    adi::Request r;
    engine().mrecv(r, *taken.arrival, make_buffer(buf, count, datatype));
    engine().wait(r);
    const Status s = pt2pt::outcome_of_receive(r, status);
    if (s != Status::ok) blame(taken.comm);
    release(taken.comm);
    return s;
}

Status imrecv(void* buf, Count count, Datatype& datatype, MPI_Message* message, Request*& request) {
    Message* found = find<Message>(*message);
    if (found == nullptr && *message != MPI_MESSAGE_NO_PROC) return bad_message(*message);
    request = pt2pt::make_request();
    if (request == nullptr) return Status::no_mem;
    request->active = true;
    request->adi::Request::receive = true;
    if (found == nullptr) {
        *message = MPI_MESSAGE_NULL;
        request->proc_null = true;
        request->stage = adi::Request::Stage::complete;
        return Status::ok;
    }
    const Message taken = consume(*found, message);
    request->comm = taken.comm;
    request->type = &datatype;
    retain(&datatype);
    engine().mrecv(*request, *taken.arrival, make_buffer(buf, count, datatype));
    return Status::ok;
}

}  // namespace mpi
