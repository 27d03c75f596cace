// MPI_Allreduce.
#include <utility>

#include "bodies.hpp"
#include "mpi/coll/halving.hpp"
#include "mpi/coll/hosts.hpp"
#include "mpi/coll/inter.hpp"
#include "mpi/coll/select.hpp"
#include "mpi/coll/shared_reduce.hpp"

namespace mpi {
namespace coll {
namespace {

/// Recursive doubling: partners exchange all they have and both combine it, the lower ranks' part
/// first, so all ranks get the same bits. The first exchange is straight from the send buffer, so
/// that nothing is copied ahead of it.
class Doubling {
  public:
    /// `incoming` is as large as the result, which grows in the two by turns.
    Doubling(const void* own, void* recvbuf, void* incoming, Scratch& spare, Count count,
             const Datatype& type, const Op& op, const Comm& comm)
        : channel_(comm, Tag::allreduce),
          folding_(comm),
          type_(type),
          op_(op),
          count_(count),
          partial_(own),
          recvbuf_(recvbuf),
          next_(recvbuf),
          after_next_(incoming),
          spare_(spare) {
        int exchanges = folding_.doubled() ? 1 : 0;
        for (int distance = 1; distance < folding_.power(); distance *= 2) ++exchanges;
        // The last one is to end in recvbuf; the first one cannot where the operand is.
        if (exchanges % 2 == 0 || own == recvbuf) std::swap(next_, after_next_);
    }

    Status run() {
        const int neighbour = folding_.neighbour();
        if (folding_.folded()) {
            outcome_.add(channel_.send(neighbour, whole(partial_)));
            outcome_.add(channel_.recv(neighbour, whole(recvbuf_)));
            return outcome_.status();
        }
        if (folding_.doubled()) {
            combine(true, [&](const adi::Buffer& in) { return channel_.recv(neighbour, in); });
        }
        const int number = folding_.number();
        for (int distance = 1; distance < folding_.power(); distance *= 2) {
            const int partner = number ^ distance;
            const int rank = folding_.rank_of(partner);
            combine(partner < number, [&](const adi::Buffer& in) {
                return channel_.sendrecv(rank, whole(partial_), rank, in);
            });
        }
        if (partial_ != recvbuf_) outcome_.add(copy(whole(partial_), whole(recvbuf_)));
        if (folding_.doubled()) outcome_.add(channel_.send(neighbour, whole(recvbuf_)));
        return outcome_.status();
    }

  private:
    adi::Buffer whole(const void* base) const { return elements(base, 0, count_, type_); }

    /// The partial result takes in what `get` receives from the ranks below or above.
    template <class F>
    void combine(bool lower, F&& get) {
        const auto came = lower ? Combine::Came::first : Combine::Came::second;
        outcome_.add(Combine(op_, type_, count_, came, partial_, next_, spare_).take(get));
        partial_ = next_;
        std::swap(next_, after_next_);
    }

    Channel channel_;
    Folding folding_;
    const Datatype& type_;
    const Op& op_;
    Count count_;
    const void* partial_;
    void* recvbuf_;
    void* next_;  ///< where the partial result will be
    void* after_next_;
    Scratch& spare_;
    Outcome outcome_;
};

Status allreduce_doubling(const void* own, void* recvbuf, Count count, const Datatype& type,
                          const Op& op, Comm& comm) {
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    // Two ranks exchange once, straight into recvbuf.
    const bool once = comm.size == 2 && own != recvbuf;
    const Elements incoming(state->operand, once ? 0 : count, type);
    if (!incoming) return out_of_memory();
    return Doubling(own, recvbuf, incoming.base(), state->partial, count, type, op, comm).run();
}

/// Rabenseifner: a reduce-scatter, whose pieces are then gathered everywhere.
Status allreduce_long(const void* own, void* recvbuf, Count count, const Datatype& type,
                      const Op& op, Comm& comm) {
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    Halving halving(comm, Tag::allreduce, op, type, count, own, recvbuf, state->operand);
    Outcome outcome;
    outcome.add(halving.reduce_scatter());
    outcome.add(halving.allgather());
    return outcome.status();
}

}  // namespace
}  // namespace coll

Status allreduce(const void* sendbuf, void* recvbuf, Count count, Datatype& datatype, Op& op,
                 Comm& comm) {
    const void* own = sendbuf == MPI_IN_PLACE ? recvbuf : sendbuf;
    if (count == 0 || datatype.size == 0) return Status::ok;
    if (comm.is_inter()) {
        return coll::inter::allreduce(sendbuf, recvbuf, count, datatype, op, comm);
    }
    if (comm.size == 1) {
        if (own == recvbuf) return Status::ok;
        return coll::copy(make_buffer(own, count, datatype), make_buffer(recvbuf, count, datatype));
    }
    const auto bytes =
        static_cast<std::uint64_t>(count) * static_cast<std::uint64_t>(datatype.size);
    if (coll::SharedReduction::suits(datatype) &&
        coll::select::reduce_is_shared(bytes, comm.size)) {
        if (coll::Shared* shared = coll::Shared::of(comm)) {
            return coll::SharedReduction(*shared, op, datatype).allreduce(own, recvbuf, count);
        }
    }
    if (coll::Hosts* hosts = coll::Hosts::of(comm);
        hosts && coll::hosts_may_reduce(*hosts, op) &&
        coll::select::reduce_is_by_hosts(bytes, count, comm.size, hosts->even())) {
        return coll::hosts_allreduce(*hosts, own, recvbuf, count, datatype, op);
    }
    if (coll::select::reduce_is_long(bytes, count, comm.size)) {
        return coll::allreduce_long(own, recvbuf, count, datatype, op, comm);
    }
    return coll::allreduce_doubling(own, recvbuf, count, datatype, op, comm);
}

}  // namespace mpi
