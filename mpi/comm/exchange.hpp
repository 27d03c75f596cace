// How processes that are to become a communicator reach each other before they are one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mpi/comm/context.hpp"
#include "mpi/core/comm.hpp"

namespace mpi {

/// Messages of the library between this process and others, on a context that no user sees.
class Link {
  public:
    /// `self` is this process's rank in the messages; `tag` is at least 0.
    Link(std::uint32_t context, int self, std::int32_t tag)
        : context_(context), self_(self), tag_(tag) {}

    Status send(Process to, const void* data, std::uint64_t bytes) const;
    /// `from` is the sender's rank in its messages. The message has `bytes` bytes.
    Status recv(int from, void* data, std::uint64_t bytes) const;
    /// Both at a time, with the same process.
    Status swap(Process peer, int its_rank, const void* out, std::uint64_t out_bytes, void* in,
                std::uint64_t in_bytes) const;

  private:
    std::uint32_t context_;
    int self_;
    std::int32_t tag_;
};

/// Lets other threads and fibers of this process run, and what arrives be seen.
void pause_negotiation();

/// Among the members of an intracommunicator, by its collectives.
class CommExchange final : public Exchange {
  public:
    explicit CommExchange(Comm& comm) : comm_(comm) {}
    Status combine(std::span<std::uint64_t> words) override;
    void pause() override { pause_negotiation(); }

  private:
    Comm& comm_;
};

/// Among the members of a group, by messages along a tree. Every member makes one with the same
/// group, context and tag; two that are used at a time and have two processes in common differ in
/// context or tag.
class GroupExchange final : public Exchange {
  public:
    /// `members` has this process in it and lives as long as this.
    GroupExchange(const Group& members, std::uint32_t context, std::int32_t tag);
    Status combine(std::span<std::uint64_t> words) override;
    void pause() override { pause_negotiation(); }

  private:
    Status send(int to, std::span<const std::uint64_t> words) const;
    Status recv(int from, std::span<std::uint64_t> words) const;

    const Group& members_;
    Link link_;
};

/// Between the two sides of an intercommunicator, which exists or is in the making: the leaders
/// swap messages, the others of each side hear from theirs. All calls are collective over both
/// sides.
class Bridge final : public Exchange {
  public:
    /// Of an intercommunicator, in the negotiation of this number (Comm::negotiations), or before
    /// it.
    Bridge(Comm& inter, std::int32_t number);
    explicit Bridge(Comm& inter) : Bridge(inter, inter.negotiations) {}
    /// Of two intracommunicators. `link`, `peer` and `its_rank` lead to the other leader; they
    /// matter at this side's leader only.
    Bridge(Comm& local, int leader, const Link& link, Process peer, int its_rank)
        : local_(local), leader_(leader), link_(link), peer_(peer), its_rank_(its_rank) {}

    Status combine(std::span<std::uint64_t> words) override;
    void pause() override { pause_negotiation(); }

    /// Gives every process what the other side's leader has; `mine` matters at leaders.
    template <class T>
    Status swap(const std::vector<T>& mine, std::vector<T>& theirs);

  private:
    bool leads() const { return local_.rank == leader_; }
    Status swap_bytes(const void* out, std::uint64_t out_bytes, void* in, std::uint64_t in_bytes);

    Comm& local_;
    int leader_;
    Link link_;
    Process peer_;
    int its_rank_;
};

template <class T>
Status Bridge::swap(const std::vector<T>& mine, std::vector<T>& theirs) {
    const std::uint64_t out = mine.size();
    std::uint64_t in = 0;
    if (Status s = swap_bytes(&out, sizeof out, &in, sizeof in); s != Status::ok) return s;
    theirs.resize(in);
    return swap_bytes(mine.data(), out * sizeof(T), theirs.data(), in * sizeof(T));
}

}  // namespace mpi
