// Buffered mode (MPI-5.0 §3.6): messages wait in the buffer that the user attached.
//
// The buffer is a list of segments in address order, each with its header in the buffer itself; a
// message takes the first free place that is long enough. MPI_BSEND_OVERHEAD covers the header.
#include <cstring>
#include <memory>
#include <new>

#include "mpi/gen/bodies.hpp"
#include "mpi/pt2pt/operations.hpp"

namespace mpi {
namespace pt2pt {
namespace {

struct alignas(16) Segment {
    Segment* next = nullptr;
    std::byte* end = nullptr;  ///< one past the message
    adi::Request request;
};
static_assert(sizeof(Segment) + alignof(Segment) <= MPI_BSEND_OVERHEAD,
              "the overhead that the standard lets users count on");

struct Attached {
    std::byte* base = nullptr;
    std::byte* end = nullptr;
    void* user = nullptr;
    Count size = 0;
    Segment* first = nullptr;
};
Attached attached;

/// Forgets segments whose message has left.
void reclaim() {
    for (Segment** link = &attached.first; *link != nullptr;) {
        Segment* s = *link;
        if (s->request.complete()) {
            *link = s->next;
            std::destroy_at(s);
        } else {
            link = &s->next;
        }
    }
}

std::byte* aligned(std::byte* p) {
    const auto value = reinterpret_cast<std::uintptr_t>(p);
    return p + ((alignof(Segment) - value % alignof(Segment)) % alignof(Segment));
}

/// A segment with room for `bytes` of message, linked in; null when there is none.
Segment* reserve(std::uint64_t bytes) {
    reclaim();
    std::byte* place = attached.base;
    Segment** link = &attached.first;
    for (;; link = &(*link)->next) {
        std::byte* limit = *link == nullptr ? attached.end : reinterpret_cast<std::byte*>(*link);
        std::byte* start = aligned(place);
        if (start <= limit &&
            static_cast<std::uint64_t>(limit - start) >= sizeof(Segment) + bytes) {
            auto* s = new (start) Segment;
            s->end = start + sizeof(Segment) + bytes;
            s->next = *link;
            *link = s;
            return s;
        }
        if (*link == nullptr) return nullptr;
        place = (*link)->end;
    }
}

}  // namespace

Status buffered_send(const void* buffer, Count count, Datatype& type, int dest, int tag,
                     Comm& comm) {
    const adi::Buffer user = make_buffer(buffer, count, type);
    Segment* s = attached.base == nullptr ? nullptr : reserve(user.bytes);
    if (s == nullptr && attached.base != nullptr) {
        engine().poll();  // what has arrived may make room
        s = reserve(user.bytes);
    }
    if (s == nullptr) {
        return fail(Status::buffer,
                    attached.base == nullptr ? "no buffer is attached (message of %llu bytes)"
                                             : "the attached buffer has no room for %llu bytes",
                    static_cast<unsigned long long>(user.bytes));
    }
    auto* copy = reinterpret_cast<std::byte*>(s + 1);
    user.read(0, copy, user.bytes);
    engine().isend(s->request, comm.process(dest), match(comm, comm.rank, tag),
                   adi::contiguous(copy, user.bytes), false);
    return Status::ok;
}

void drain_buffered() {
    for (Segment* s = attached.first; s != nullptr; s = s->next) engine().wait(s->request);
    reclaim();
}

}  // namespace pt2pt

Status buffer_attach(void* buffer, Count size) {
    if (pt2pt::attached.user != nullptr) {
        return fail(Status::buffer, "a buffer of %lld bytes is attached already",
                    static_cast<long long>(pt2pt::attached.size));
    }
    auto* base = static_cast<std::byte*>(buffer);
    pt2pt::attached = {base, base + size, buffer, size, nullptr};
    return Status::ok;
}

Status buffer_detach(void* buffer_addr, Count& size) {
    if (pt2pt::attached.user == nullptr) return fail(Status::buffer, "no buffer is attached");
    pt2pt::drain_buffered();
    std::memcpy(buffer_addr, &pt2pt::attached.user, sizeof(void*));
    size = pt2pt::attached.size;
    pt2pt::attached = {};
    return Status::ok;
}

}  // namespace mpi
