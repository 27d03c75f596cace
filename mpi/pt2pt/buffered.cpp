// Buffered mode (MPI-5.0 §3.6): which buffer a message takes; attaching, detaching and flushing
// buffers of the process and of communicators.
#include <cstring>
#include <memory>
#include <new>

#include "mpi/core/session.hpp"
#include "mpi/gen/bodies.hpp"
#include "mpi/pt2pt/operations.hpp"
#include "mpi/pt2pt/send_buffer.hpp"

namespace mpi {

using pt2pt::BufferPlace;
using pt2pt::SendBuffer;

namespace {

/// The buffer of the process.
BufferPlace process_buffer;

/// MPI_Buffer_iflush and its like.
class FlushOperation final : public Operation {
  public:
    FlushOperation(Request& whole, BufferPlace buffer) : buffer_(std::move(buffer)) {
        flush_.whole = &whole;
    }
    void begin() { buffer_->start(flush_); }

    Status start(Request&) override {
        return fail(Status::request, "the request is not a persistent one");
    }
    Status outcome(Request&, MPI_Status* status) override {
        set_empty(status);
        return Status::ok;
    }
    /// Nothing is left to be done that could be left out.
    Status cancel(Request&) override { return Status::ok; }

  private:
    BufferPlace buffer_;  ///< lives until the flush is over, though it be detached
    SendBuffer::Flush flush_;
};

}  // namespace

namespace pt2pt {

/// The communicator's, else its session's, else that of the process (MPI-5.0 §3.6).
static SendBuffer* buffer_for(const Comm& comm) {
    if (comm.send_buffer) return comm.send_buffer.get();
    const auto& session = comm.group->session_buffer;
    return session != nullptr && *session ? session->get() : process_buffer.get();
}

Status buffered_send(const void* buffer, Count count, Datatype& type, int dest, int tag,
                     Comm& comm) {
    SendBuffer* where = buffer_for(comm);
    if (where == nullptr) {
        return fail(Status::buffer, "no buffer is attached (message of %llu bytes)",
                    static_cast<unsigned long long>(make_buffer(buffer, count, type).bytes));
    }
    return where->send(make_buffer(buffer, count, type), dest, tag, comm);
}

Status attach(BufferPlace& place, void* memory, Count size) {
    if (place) {
        return fail(Status::buffer, "a buffer of %lld bytes is attached already",
                    static_cast<long long>(place->size()));
    }
    place = std::make_shared<SendBuffer>(memory, size);
    return Status::ok;
}

void flush(const BufferPlace& place) {
    const BufferPlace buffer = place;  // another thread may detach it while this one waits
    if (!buffer) return;
    engine().wait_until([&, ticket = buffer->ticket()] { return buffer->has_left(ticket); });
}

Status detach(BufferPlace& place, void* buffer_addr, Count& size) {
    const BufferPlace buffer = place;
    if (buffer) engine().wait_until([&] { return buffer->empty(); });
    if (!buffer || place != buffer) return fail(Status::buffer, "no buffer is attached");
    void* const memory = buffer->user();
    std::memcpy(buffer_addr, &memory, sizeof memory);
    size = buffer->size();
    place.reset();
    return Status::ok;
}

Status iflush(const BufferPlace& place, Comm* comm, Request*& request) {
    request = make_request();
    if (request == nullptr) return Status::no_mem;
    request->comm = comm;
    if (comm != nullptr) retain(comm);
    auto* operation = new (std::nothrow) FlushOperation(*request, place);
    if (operation == nullptr) {
        destroy(*request);
        request = nullptr;
        return fail(Status::no_mem, "no memory for a request");
    }
    request->operation.reset(operation);
    request->active = true;
    if (place) {
        operation->begin();
    } else {
        engine().finish(*request, adi::Status::ok);
    }
    return Status::ok;
}

}  // namespace pt2pt

Status buffer_attach(void* buffer, Count size) {
    return pt2pt::attach(process_buffer, buffer, size);
}

Status buffer_detach(void* buffer_addr, Count& size) {
    return pt2pt::detach(process_buffer, buffer_addr, size);
}

Status buffer_flush() {
    pt2pt::flush(process_buffer);
    return Status::ok;
}

Status buffer_iflush(Request*& request) {
    return pt2pt::iflush(process_buffer, nullptr, request);
}

Status session_attach_buffer(Session& session, void* buffer, Count size) {
    return pt2pt::attach(*session.send_buffer, buffer, size);
}

Status session_detach_buffer(Session& session, void* buffer_addr, Count& size) {
    return pt2pt::detach(*session.send_buffer, buffer_addr, size);
}

Status session_flush_buffer(Session& session) {
    pt2pt::flush(*session.send_buffer);
    return Status::ok;
}

Status session_iflush_buffer(Session& session, Request*& request) {
    return pt2pt::iflush(*session.send_buffer, nullptr, request);
}

Status comm_attach_buffer(Comm& comm, void* buffer, Count size) {
    return pt2pt::attach(comm.send_buffer, buffer, size);
}

Status comm_detach_buffer(Comm& comm, void* buffer_addr, Count& size) {
    return pt2pt::detach(comm.send_buffer, buffer_addr, size);
}

Status comm_flush_buffer(Comm& comm) {
    pt2pt::flush(comm.send_buffer);
    return Status::ok;
}

Status comm_iflush_buffer(Comm& comm, Request*& request) {
    return pt2pt::iflush(comm.send_buffer, &comm, request);
}

}  // namespace mpi
