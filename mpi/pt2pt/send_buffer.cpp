#include "mpi/pt2pt/send_buffer.hpp"

#include <new>

#include "mpi/pt2pt/operations.hpp"

namespace mpi::pt2pt {
namespace {

constexpr std::size_t kAlignment = alignof(std::max_align_t);

std::byte* aligned(std::byte* p) {
    const auto value = reinterpret_cast<std::uintptr_t>(p);
    return p + (kAlignment - value % kAlignment) % kAlignment;
}

/// Messages in all buffers of the process.
std::uint64_t outstanding = 0;

}  // namespace

/// Forgets segments whose message has left.
void SendBuffer::reclaim() {
    for (Segment** link = &first_; *link != nullptr;) {
        Segment* s = *link;
        if (s->complete()) {
            *link = s->next_place;
            std::destroy_at(s);
        } else {
            link = &s->next_place;
        }
    }
}

/// A segment with room for `bytes` of message; null when there is none.
SendBuffer::Segment* SendBuffer::reserve(std::uint64_t bytes) {
    if (automatic()) {
        void* memory = ::operator new(sizeof(Segment) + bytes, std::nothrow);
        return memory == nullptr ? nullptr : new (memory) Segment;
    }
    reclaim();
    auto* place = static_cast<std::byte*>(user_);
    std::byte* const end = place + size_;
    Segment** link = &first_;
    for (;; link = &(*link)->next_place) {
        std::byte* limit = *link == nullptr ? end : reinterpret_cast<std::byte*>(*link);
        std::byte* start = aligned(place);
        if (start <= limit &&
            static_cast<std::uint64_t>(limit - start) >= sizeof(Segment) + bytes) {
            auto* s = new (start) Segment;
            s->end = s->data() + bytes;
            s->next_place = *link;
            *link = s;
            return s;
        }
        if (*link == nullptr) return nullptr;
        place = (*link)->end;
    }
}

Status SendBuffer::send(const adi::Buffer& message, int dest, int tag, Comm& comm) {
    Segment* s = reserve(message.bytes);
    if (s == nullptr && !automatic()) {
        engine().poll();  // what has arrived may make room
        s = reserve(message.bytes);
    }
    if (s == nullptr) {
        return fail(automatic() ? Status::no_mem : Status::buffer,
                    "the attached buffer has no room for %llu bytes",
                    static_cast<unsigned long long>(message.bytes));
    }
    message.read(0, s->data(), message.bytes);
    s->buffer = this;
    s->comm = &comm;
    retain(&comm);
    s->ticket = next_ticket_++;
    pending_.push(*s);
    ++outstanding;
    s->on_complete = left;
    engine().isend(*s, comm.process(dest), match(comm, comm.rank, tag),
                   adi::contiguous(s->data(), message.bytes), false);
    return Status::ok;
}

/// A message has left; flushes that waited for it may be over. The communicator's reference goes
/// last: it may have been what kept this buffer.
void SendBuffer::left(adi::Request& request) {
    auto* s = static_cast<Segment*>(&request);
    SendBuffer& buffer = *s->buffer;
    Comm* comm = s->comm;
    buffer.pending_.remove(*s);
    --outstanding;
    if (buffer.automatic()) {
        std::destroy_at(s);
        ::operator delete(s);
    }
    while (buffer.flushes_.head != nullptr && buffer.has_left(buffer.flushes_.head->ticket)) {
        Flush& flush = *buffer.flushes_.head;
        buffer.flushes_.remove(flush);
        engine().finish(*flush.whole, adi::Status::ok);
    }
    release(comm);
}

void SendBuffer::start(Flush& flush) {
    flush.ticket = next_ticket_;
    if (has_left(flush.ticket)) return engine().finish(*flush.whole, adi::Status::ok);
    flushes_.push(flush);
}

void drain_buffered() {
    engine().wait_until([] { return outstanding == 0; });
}

}  // namespace mpi::pt2pt
