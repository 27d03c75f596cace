// Messages of the collectives, on a communicator's collective context.
#pragma once

#include <span>

#include "mpi/core/comm.hpp"
#include "mpi/core/datatype.hpp"
#include "mpi/core/error.hpp"
#include "mpi/core/failure.hpp"
#include "mpi/core/process.hpp"

namespace mpi::coll {

/// One per function and less than kMostTags, so that a program which calls different collectives on
/// the ranks of one communicator hangs or fails close to its mistake instead of computing with the
/// wrong data. Messages of a pair keep their order, so consecutive calls need no other distinction.
enum class Tag : int {
    barrier = 1,
    bcast,
    gather,
    scatter,
    allgather,
    alltoall,
    reduce,
    allreduce,
    reduce_scatter,
    scan,
    exscan,
    neighbor,
    setup,  ///< what the ranks tell each other when a communicator gets its shared memory
};

inline constexpr int kMostTags = 32;

/// Keeps the first failure of several steps. A collective goes on after a failure, since its peers
/// wait for its messages, and reports what went wrong first.
class Outcome {
  public:
    void add(Status s) {
        if (s != Status::ok) [[unlikely]]
            failed(s);
    }
    Status status() const { return first_; }

  private:
    [[gnu::cold]] void failed(Status s);

    Status first_ = Status::ok;
};

/// The messages of one call; the same for blocking calls and on a fiber, where waiting lets the
/// program go on (adi/base/fiber.hpp). Ranks are those of the communicator.
class Channel {
  public:
    Channel(const Comm& comm, Tag tag) : comm_(comm), tag_(static_cast<int>(tag)) {
        if (engine().fiber() != nullptr) [[unlikely]]
            tag_ = tag_on_fiber(tag);
    }

    Status send(int to, const adi::Buffer& buffer) const {
        if (comm_.broken) [[unlikely]]
            return proc_failed();
        return from_adi(engine().send(comm_.process(to), sent(), buffer));
    }
    Status recv(int from, const adi::Buffer& buffer) const {
        adi::Request r;
        irecv(r, from, buffer);
        return wait(r);
    }
    /// Sends one message and receives another, both at the same time. The buffers are disjoint.
    Status sendrecv(int to, const adi::Buffer& out, int from, const adi::Buffer& in) const {
        adi::Request receive, send;
        irecv(receive, from, in);
        isend(send, to, out);
        Outcome outcome;
        outcome.add(wait(receive));
        outcome.add(wait(send));
        return outcome.status();
    }

    /// The request stays in place until wait() has returned for it.
    void isend(adi::Request& r, int to, const adi::Buffer& buffer) const {
        // What a peer waits for would not be right.
        if (comm_.broken) [[unlikely]]
            return engine().finish(r, adi::Status::peer_failed);
        engine().isend(r, comm_.process(to), sent(), buffer, false);
    }
    void irecv(adi::Request& r, int from, const adi::Buffer& buffer) const {
        engine().irecv(r, {comm_.coll_context(), from, tag_}, buffer);
    }
    static Status wait(adi::Request& r) {
        if (!r.complete()) engine().wait(r);
        return r.status == adi::Status::ok ? Status::ok : failed(r);
    }
    /// Waits for all of `requests`.
    template <class Requests>
    static Status wait_all(Requests&& requests) {
        Outcome outcome;
        engine().wait(std::span<adi::Request>(requests));
        for (adi::Request& r : requests) outcome.add(wait(r));
        return outcome.status();
    }

  private:
    /// Nonblocking collectives have tags of their own: mpi/coll/operation.hpp.
    [[gnu::cold]] static int tag_on_fiber(Tag tag);
    [[gnu::cold]] static Status failed(const adi::Request& r);

    adi::Match sent() const { return {comm_.coll_context(), comm_.rank, tag_}; }

    const Comm& comm_;
    int tag_;
};

}  // namespace mpi::coll
