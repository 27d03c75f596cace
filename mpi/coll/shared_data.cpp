#include "mpi/coll/shared_data.hpp"

#include <algorithm>

namespace mpi::coll {
namespace {

using Kind = Shared::Kind;
using Size = std::uint64_t;

/// The part of a message of `bytes` bytes that lies in [offset, offset + most).
Size part(Size bytes, Size offset, Size most) {
    return offset >= bytes ? 0 : std::min(bytes - offset, most);
}

[[gnu::cold]] Status mismatch(int root, Size theirs, Size mine) {
    return fail(Status::truncate,
                "rank %d sent %llu bytes for a place of %llu: the counts or datatypes of the ranks "
                "do not agree",
                root, static_cast<unsigned long long>(theirs),
                static_cast<unsigned long long>(mine));
}

}  // namespace

Status shared_barrier(Shared& shared) {
    shared.begin();
    shared.ready();
    shared.meet();
    shared.end(Kind::synchronizing);
    return shared.outcome();
}

Status shared_bcast(Shared& shared, const adi::Buffer& buffer, int root) {
    Status status = Status::ok;
    for (Size offset = 0; offset < buffer.bytes; offset += Shared::kSlotBytes) {
        const Size n = part(buffer.bytes, offset, Shared::kSlotBytes);
        shared.begin();
        if (shared.rank() == root) {
            shared.ready();
            buffer.read(offset, shared.data(root, n), n);
            shared.publish(buffer.bytes);
            shared.tell_all();
        } else {
            shared.await(root);
            const Size theirs = shared.published_bytes(root);
            const Size published = part(theirs, offset, Shared::kSlotBytes);
            if (theirs > buffer.bytes) [[unlikely]] {
                status = mismatch(root, theirs, buffer.bytes);
            }
            buffer.write(offset, shared.data(root, published), std::min(n, published));
        }
        shared.end(Kind::rooted);
    }
    return shared.outcome(status);
}

Status shared_gather(Shared& shared, const adi::Buffer& own, const Blocks& blocks, int root) {
    shared.begin();
    if (shared.rank() != root) {
        shared.ready();
        own.read(0, shared.data(shared.rank(), own.bytes), own.bytes);
    }
    shared.collect(root);
    if (shared.rank() == root) {
        for (int i = 0; i < shared.size(); ++i) {
            if (i == root) continue;
            const adi::Buffer to = blocks.block(i);
            to.write(0, shared.data(i, to.bytes), to.bytes);
        }
    }
    shared.end(Kind::rooted);
    return shared.outcome();
}

Status shared_scatter(Shared& shared, const Blocks& blocks, const adi::Buffer& own, int root) {
    const auto ranks = static_cast<Size>(shared.size());
    Status status = Status::ok;
    shared.begin();
    if (shared.rank() == root) {
        shared.ready();
        const adi::Buffer all = blocks.range(0, shared.size());
        all.read(0, shared.data(root, all.bytes), all.bytes);
        shared.publish(all.bytes);
        shared.tell_all();
    } else {
        shared.await(root);
        const Size theirs = shared.published_bytes(root) / ranks;
        if (theirs > own.bytes) [[unlikely]]
            status = mismatch(root, theirs, own.bytes);
        const std::byte* all = shared.data(root, own.bytes * ranks);
        own.write(0, all + static_cast<Size>(shared.rank()) * own.bytes, own.bytes);
    }
    shared.end(Kind::rooted);
    return shared.outcome(status);
}

Status shared_allgather(Shared& shared, const Blocks& blocks) {
    Size longest = 0;
    for (int i = 0; i < shared.size(); ++i) {
        longest = std::max(longest, blocks.bytes(i));
        if (blocks.equal()) break;
    }
    const adi::Buffer own = blocks.block(shared.rank());
    for (Size offset = 0; offset < longest; offset += Shared::kSlotBytes) {
        shared.begin();
        shared.ready();
        const Size n = part(own.bytes, offset, Shared::kSlotBytes);
        own.read(offset, shared.data(shared.rank(), n), n);
        shared.meet();
        for (int i = 0; i < shared.size(); ++i) {
            if (i == shared.rank()) continue;
            const adi::Buffer to = blocks.block(i);
            const Size theirs = part(to.bytes, offset, Shared::kSlotBytes);
            to.write(offset, shared.data(i, theirs), theirs);
        }
        shared.end(Kind::synchronizing);
    }
    return shared.outcome();
}

Status shared_alltoall(Shared& shared, const Blocks& out, const Blocks& in) {
    const auto ranks = static_cast<Size>(shared.size());
    const Size block = in.bytes(0);
    shared.begin();
    shared.ready();
    std::byte* mine = shared.data(shared.rank(), block * ranks);
    for (int i = 0; i < shared.size(); ++i) {
        if (i == shared.rank()) continue;
        const adi::Buffer from = out.block(i);
        from.read(0, mine + static_cast<Size>(i) * block, std::min(from.bytes, block));
    }
    shared.meet();
    for (int i = 0; i < shared.size(); ++i) {
        if (i == shared.rank()) continue;
        const std::byte* theirs = shared.data(i, block * ranks);
        in.block(i).write(0, theirs + static_cast<Size>(shared.rank()) * block, block);
    }
    shared.end(Kind::synchronizing);
    return shared.outcome();
}

}  // namespace mpi::coll
