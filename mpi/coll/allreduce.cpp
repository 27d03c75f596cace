// MPI_Allreduce.
#include "bodies.hpp"
#include "mpi/coll/halving.hpp"
#include "mpi/coll/hosts.hpp"
#include "mpi/coll/inter.hpp"
#include "mpi/coll/select.hpp"
#include "mpi/coll/shared_reduce.hpp"

namespace mpi {
namespace coll {
namespace {

/// Recursive doubling: partners exchange all they have and both combine it. Both compute the lower
/// ranks' part first, so all ranks get the same bits. The first exchange is straight from the send
/// buffer, so that nothing is copied ahead of it.
class Doubling {
  public:
    /// `incoming` has room for what a partner sends.
    Doubling(const void* own, void* recvbuf, void* incoming, Count count, const Datatype& type,
             const Op& op, const Comm& comm)
        : channel_(comm, Tag::allreduce),
          folding_(comm),
          type_(type),
          op_(op),
          count_(count),
          partial_(own),
          recvbuf_(recvbuf),
          incoming_(incoming) {}

    Status run() {
        const int neighbour = folding_.neighbour();
        if (folding_.folded()) {
            outcome_.add(channel_.send(neighbour, whole(partial_)));
            outcome_.add(channel_.recv(neighbour, whole(recvbuf_)));
            return outcome_.status();
        }
        if (folding_.doubled()) {
            void* place = free_place(true);
            outcome_.add(channel_.recv(neighbour, whole(place)));
            combine(place, true);
        }
        const int number = folding_.number();
        for (int distance = 1; distance < folding_.power(); distance *= 2) {
            const int partner = number ^ distance;
            const int rank = folding_.rank_of(partner);
            void* place = free_place(partner < number);
            outcome_.add(channel_.sendrecv(rank, whole(partial_), rank, whole(place)));
            combine(place, partner < number);
        }
        if (partial_ != recvbuf_) outcome_.add(copy(whole(partial_), whole(recvbuf_)));
        if (folding_.doubled()) outcome_.add(channel_.send(neighbour, whole(recvbuf_)));
        return outcome_.status();
    }

  private:
    adi::Buffer whole(const void* base) const { return elements(base, 0, count_, type_); }

    bool is_own() const { return partial_ != recvbuf_ && partial_ != incoming_; }
    /// Where an operand may come in: not where the partial result is, nor will be.
    void* free_place(bool lower) const {
        if (is_own()) return lower ? incoming_ : recvbuf_;
        return partial_ == recvbuf_ ? incoming_ : recvbuf_;
    }
    /// The partial result takes in what came from the ranks below or above.
    void combine(void* came, bool lower) {
        if (!lower) {
            op_.apply(partial_, came, count_, type_);
            partial_ = came;
            return;
        }
        void* result = partial_ == incoming_ ? incoming_ : recvbuf_;
        if (is_own()) outcome_.add(copy(whole(partial_), whole(result)));
        op_.apply(came, result, count_, type_);
        partial_ = result;
    }

    Channel channel_;
    Folding folding_;
    const Datatype& type_;
    const Op& op_;
    Count count_;
    const void* partial_;  ///< the send buffer at first, then recvbuf_ or incoming_
    void* recvbuf_;
    void* incoming_;
    Outcome outcome_;
};

Status allreduce_doubling(const void* own, void* recvbuf, Count count, const Datatype& type,
                          const Op& op, Comm& comm) {
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const Elements incoming(state->operand, count, type);
    if (!incoming) return out_of_memory();
    return Doubling(own, recvbuf, incoming.base(), count, type, op, comm).run();
}

/// Rabenseifner: a reduce-scatter, whose pieces are then gathered everywhere.
Status allreduce_long(const void* own, void* recvbuf, Count count, const Datatype& type,
                      const Op& op, Comm& comm) {
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const Elements incoming(state->operand, count, type);
    if (!incoming) return out_of_memory();
    Outcome outcome;
    if (own != recvbuf) {
        outcome.add(copy(elements(own, 0, count, type), elements(recvbuf, 0, count, type)));
    }
    Halving halving(comm, Tag::allreduce, op, type, count, recvbuf, incoming.base());
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
    if (coll::Hosts* hosts = coll::Hosts::of(comm); hosts && coll::hosts_may_reduce(*hosts, op)) {
        return coll::hosts_allreduce(*hosts, own, recvbuf, count, datatype, op);
    }
    if (coll::select::reduce_is_long(bytes, count, comm.size)) {
        return coll::allreduce_long(own, recvbuf, count, datatype, op, comm);
    }
    return coll::allreduce_doubling(own, recvbuf, count, datatype, op, comm);
}

}  // namespace mpi
