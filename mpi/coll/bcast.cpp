// MPI_Bcast.
#include <algorithm>

#include "bodies.hpp"
#include "mpi/coll/data.hpp"
#include "mpi/coll/hosts.hpp"
#include "mpi/coll/inter.hpp"
#include "mpi/coll/message.hpp"
#include "mpi/coll/select.hpp"
#include "mpi/coll/shared_data.hpp"
#include "mpi/coll/tree.hpp"

namespace mpi {
namespace coll {
namespace {

Status bcast_binomial(const adi::Buffer& buffer, int root, const Comm& comm) {
    const Channel channel(comm, Tag::bcast);
    const Tree tree(comm.rank, root, comm.size);
    Outcome outcome;
    if (tree.node() != 0) outcome.add(channel.recv(tree.parent(), buffer));
    tree.for_children_down(
        [&](int node, int) { outcome.add(channel.send(tree.rank_of(node), buffer)); });
    return outcome.status();
}

/// Scatters the bytes along a binomial tree, then passes the parts on around a ring
/// (van de Geijn). `data` is contiguous.
class ScatterAllgather {
  public:
    ScatterAllgather(const adi::Buffer& data, int root, const Comm& comm)
        : channel_(comm, Tag::bcast),
          tree_(comm.rank, root, comm.size),
          data_(data),
          size_(comm.size) {
        const auto ranks = static_cast<std::uint64_t>(comm.size);
        part_bytes_ = (data.bytes + ranks - 1) / ranks;
    }

    Status run() {
        if (tree_.node() != 0)
            outcome_.add(channel_.recv(tree_.parent(), parts(tree_.node(), tree_.span())));
        tree_.for_children_down([this](int node, int span) {
            outcome_.add(channel_.send(tree_.rank_of(node), parts(node, span)));
        });
        const int right = tree_.rank_of((tree_.node() + 1) % size_);
        const int left = tree_.rank_of((tree_.node() + size_ - 1) % size_);
        int part = tree_.node();
        for (int step = 1; step < size_; ++step) {
            const int next = (part + size_ - 1) % size_;
            outcome_.add(channel_.sendrecv(right, parts(part, 1), left, parts(next, 1)));
            part = next;
        }
        return outcome_.status();
    }

  private:
    adi::Buffer parts(int first, int n) const {
        const auto offset = [this](int part) {
            return std::min(static_cast<std::uint64_t>(part) * part_bytes_, data_.bytes);
        };
        return adi::contiguous(static_cast<std::byte*>(data_.base) + offset(first),
                               offset(first + n) - offset(first));
    }

    Channel channel_;
    Tree tree_;
    adi::Buffer data_;
    int size_;
    std::uint64_t part_bytes_;
    Outcome outcome_;
};

/// The parts are byte ranges, since datatypes may differ between the ranks: a buffer with gaps goes
/// through packed memory.
Status bcast_long(const adi::Buffer& buffer, int root, Comm& comm) {
    if (buffer.layout == nullptr) return ScatterAllgather(buffer, root, comm).run();
    State* state = state_of(comm);
    std::byte* memory = state != nullptr ? state->packed.get(buffer.bytes) : nullptr;
    if (memory == nullptr) return out_of_memory();
    const adi::Buffer packed = adi::contiguous(memory, buffer.bytes);
    if (comm.rank == root) buffer.read(0, memory, buffer.bytes);
    const Status s = ScatterAllgather(packed, root, comm).run();
    if (comm.rank != root) buffer.write(0, memory, buffer.bytes);
    return s;
}

}  // namespace
}  // namespace coll

Status bcast(void* buffer, Count count, Datatype& datatype, int root, Comm& comm) {
    if (comm.is_inter()) return coll::inter::bcast(buffer, count, datatype, root, comm);
    const adi::Buffer data = make_buffer(buffer, count, datatype);
    if (comm.size == 1 || data.bytes == 0) return Status::ok;
    if (coll::select::bcast_is_shared(data.bytes, comm.size)) {
        if (coll::Shared* shared = coll::Shared::if_worthwhile(comm)) {
            return coll::shared_bcast(*shared, data, root);
        }
    }
    if (coll::Hosts* hosts = coll::Hosts::if_worthwhile(comm)) {
        return coll::hosts_bcast(*hosts, buffer, count, datatype, root);
    }
    if (coll::select::bcast_is_long(data.bytes, comm.size)) {
        return coll::bcast_long(data, root, comm);
    }
    return coll::bcast_binomial(data, root, comm);
}

}  // namespace mpi
