// What the functions that make communicators share.
#pragma once

#include <new>
#include <utility>

#include "mpi/comm/context.hpp"
#include "mpi/comm/exchange.hpp"
#include "mpi/core/comm.hpp"
#include "mpi/core/info.hpp"

namespace mpi {

/// The groups of a new communicator on one of its members; each a reference that is passed on.
struct Groups {
    Group* group = nullptr;   ///< null on processes that get no communicator
    Group* remote = nullptr;  ///< null unless it is an intercommunicator
};

/// The next turn on `comm`, whose members all come here.
Turn next_turn(Comm& comm);

/// Agrees on a context and makes the communicator: the end of every call that makes one, collective
/// over the members of `exchange`. Takes over the references of `groups`. `alone` says that
/// this process is the only member.
Status make_agreed(const Turn& turn, bool alone, Exchange& exchange, Groups groups,
                   Errhandler* errhandler, Comm*& newcomm);

/// Only the agreement, among the members of `parent`, for a turn that next_turn() gave. May be
/// called on a fiber.
Status agree_from(Comm& parent, const Turn& turn, std::uint32_t& context);

/// make_agreed() among the members of `parent`, whichever kind it is.
Status make_from(Comm& parent, Groups groups, Comm*& newcomm);

/// The same among the members of `group`, of which this process is one: no other process takes
/// part. Takes over the group's reference. Their messages go by `context` with `tag`, at least 0;
/// of the calls with one context that are under way at a time on a process, each has a tag of its
/// own.
Status make_in_group(Group* group, std::uint32_t context, int tag, Errhandler* errhandler,
                     Comm*& newcomm);

/// The context for make_in_group() where there is no parent communicator.
inline constexpr auto kNoParent = static_cast<std::uint32_t>(Side::group);

/// All members of `group` are members of the communicator, or of its local group.
Status check_members(const Comm& comm, const Group& group);
/// Makes an intercommunicator of `local` and the other side of `bridge`, with the error handler of
/// `local`. Collective over both sides.
Status join_sides(Comm& local, Bridge& bridge, Comm*& newintercomm);

/// The hints `old` (Comm::hints) with what `info`, which may be null, says.
std::uint8_t merged_hints(std::uint8_t old, const Info* info);

/// make_group(); null, with the error recorded, when out of memory.
Group* new_group(Processes members, const Group& from);

[[gnu::cold]] Status no_memory_for_comm();

/// Runs a body that allocates.
template <class Body>
Status with_memory_for_comm(Body body) {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return no_memory_for_comm();
    }
}

}  // namespace mpi
