// The memory in which messages of buffered mode wait (MPI-5.0 §3.6). It is attached to the process,
// to a session, or to a communicator.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <memory>

#include "adi/engine/matcher.hpp"
#include "mpi/core/comm.hpp"
#include "mpi/core/datatype.hpp"
#include "mpi/core/error.hpp"

namespace mpi {
struct Request;
}

namespace mpi::pt2pt {

/// Either memory of the user's, a list of segments in address order, each with its header in the
/// memory itself, where a message takes the first free place that is long enough; or
/// MPI_BUFFER_AUTOMATIC: each message has memory of its own from the heap. A message holds its
/// communicator until it has left.
class SendBuffer {
  public:
    SendBuffer(void* memory, Count size) : user_(memory), size_(size) {}

    void* user() const { return user_; }
    Count size() const { return size_; }

    /// Copies a message here and starts to send it; MPI_ERR_BUFFER when there is no room.
    Status send(const adi::Buffer& message, int dest, int tag, Comm& comm);

    /// Names the messages sent so far. They have left when has_left() says so.
    std::uint64_t ticket() const { return next_ticket_; }
    bool has_left(std::uint64_t ticket) const {
        return pending_.head == nullptr || pending_.head->ticket >= ticket;
    }
    bool empty() const { return pending_.head == nullptr; }

    /// A nonblocking flush: `whole` completes when what was sent before has left.
    struct Flush {
        Flush* next = nullptr;
        Flush* prev = nullptr;
        std::uint64_t ticket = 0;
        Request* whole = nullptr;
    };
    void start(Flush& flush);

  private:
    struct Segment : adi::Request {
        Segment* next_place = nullptr;  ///< in address order; memory of the user's only
        Segment* later = nullptr;       ///< in order of sending, while pending
        Segment* earlier = nullptr;
        std::byte* end = nullptr;  ///< one past the message
        SendBuffer* buffer = nullptr;
        Comm* comm = nullptr;  ///< one reference held while pending
        std::uint64_t ticket = 0;

        std::byte* data() { return reinterpret_cast<std::byte*>(this + 1); }
    };
    static_assert(sizeof(Segment) + alignof(std::max_align_t) <= MPI_BSEND_OVERHEAD,
                  "the overhead that the standard lets users count on");

    bool automatic() const { return user_ == MPI_BUFFER_AUTOMATIC; }
    Segment* reserve(std::uint64_t bytes);
    void reclaim();
    static void left(adi::Request& request);

    void* user_;
    Count size_;
    Segment* first_ = nullptr;
    adi::List<Segment, &Segment::later, &Segment::earlier> pending_;
    adi::List<Flush, &Flush::next, &Flush::prev> flushes_;  ///< in order of their tickets
    std::uint64_t next_ticket_ = 0;
};

// What the functions of process, sessions and communicators have in common; `place` is where the
// buffer is attached, null for none.
using BufferPlace = std::shared_ptr<SendBuffer>;
Status attach(BufferPlace& place, void* memory, Count size);
/// Waits until all messages have left.
Status detach(BufferPlace& place, void* buffer_addr, Count& size);
/// Waits until the messages sent so far have left.
void flush(const BufferPlace& place);
/// The request belongs to `comm`, which may be null.
Status iflush(const BufferPlace& place, Comm* comm, Request*& request);

}  // namespace mpi::pt2pt
