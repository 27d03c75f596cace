// Communicators without a parent (MPI-5.0 §7.4.2, §7.6.2): the members of a group, which know each
// other from process sets, agree on a context by messages of the library, which the string tag
// keeps apart from those of other such calls.
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "mpi/comm/create.hpp"
#include "mpi/core/errhandler.hpp"
#include "mpi/core/info.hpp"
#include "mpi/core/process.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

namespace {

/// Between the leaders; no communicator has the context 0.
constexpr auto kLeaders = static_cast<std::uint32_t>(Side::leaders);

/// What the calls of one communicator have in common and others have not: a number from the string
/// tag, the group and the purpose (FNV-1a).
std::uint64_t digest(const char* stringtag, const Group& group, char purpose) {
    std::uint64_t hash = 0xcbf29ce484222325;
    const auto add = [&hash](const void* data, std::size_t bytes) {
        for (const char c : std::string_view(static_cast<const char*>(data), bytes)) {
            hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
        }
    };
    add(&purpose, 1);
    add(stringtag, std::strlen(stringtag));
    for (const Process process : group.members) add(&process, sizeof process);
    return hash;
}

std::int32_t to_tag(std::uint64_t digest) {
    return static_cast<std::int32_t>((digest ^ digest >> 32) & 0x7fffffff);
}

Status check_member(const char* name, const Group& group) {
    if (group.rank >= 0) return Status::ok;
    return fail(Status::group, "this process is no member of %s", name);
}

Status check_tag(const char* stringtag) {
    if (strnlen(stringtag, MPI_MAX_STRINGTAG_LEN) < MPI_MAX_STRINGTAG_LEN) return Status::ok;
    return fail(Status::arg, "stringtag has more than %d characters", MPI_MAX_STRINGTAG_LEN - 1);
}

Status create(const Group& group, const char* stringtag, char purpose, Errhandler& errhandler,
              Comm*& newcomm) {
    return with_memory_for_comm([&] {
        Group* members = new_group(group.members, group);
        if (members == nullptr) return Status::no_mem;
        const std::int32_t tag = to_tag(digest(stringtag, group, purpose));
        return make_in_group(members, kNoParent, tag, &errhandler, newcomm);
    });
}

/// What the leader tells its side.
struct Opening {
    int status;
    Process peer;
};

Status open(const Group& local_group, const Group* remote_group, int remote_leader,
            const char* stringtag, Opening& opening, Link& link) {
    if (remote_group == nullptr) return fail(Status::group, "remote_group is no group");
    if (remote_leader < 0 || remote_leader >= remote_group->size()) {
        return fail(Status::rank, "remote_leader is %d, must be 0 to %d", remote_leader,
                    remote_group->size() - 1);
    }
    for (const Process process : remote_group->members) {
        if (local_group.rank_of(process) < 0) continue;
        return fail(Status::group, "rank %u of the job is in both groups", process);
    }
    // The same number on both sides.
    const std::uint64_t both =
        digest(stringtag, local_group, 'i') ^ digest(stringtag, *remote_group, 'i');
    link = Link(kLeaders, world_rank(), to_tag(both));
    opening.peer = remote_group->members[static_cast<std::size_t>(remote_leader)];
    return Status::ok;
}

}  // namespace

Status comm_create_from_group(Group& group, const char* stringtag, const Info*,
                              Errhandler& errhandler, Comm*& newcomm) {
    if (Status s = check_for_comm(errhandler); s != Status::ok) return s;
    if (Status s = check_tag(stringtag); s != Status::ok) return s;
    if (group.size() == 0) return Status::ok;  // MPI_COMM_NULL
    if (Status s = check_member("group", group); s != Status::ok) return s;
    return create(group, stringtag, 'c', errhandler, newcomm);
}

Status intercomm_create_from_groups(Group& local_group, int local_leader, MPI_Group remote_group,
                                    int remote_leader, const char* stringtag, const Info*,
                                    Errhandler& errhandler, Comm*& newintercomm) {
    if (Status s = check_for_comm(errhandler); s != Status::ok) return s;
    if (Status s = check_tag(stringtag); s != Status::ok) return s;
    if (Status s = check_member("local_group", local_group); s != Status::ok) return s;
    if (local_leader < 0 || local_leader >= local_group.size()) {
        return fail(Status::rank, "local_leader is %d, must be 0 to %d", local_leader,
                    local_group.size() - 1);
    }
    Comm* local = nullptr;
    if (Status s = create(local_group, stringtag, 'l', errhandler, local); s != Status::ok) {
        return s;
    }
    Opening opening{};
    Link link(0, 0, 0);
    Status own = Status::ok;
    if (local->rank == local_leader) {
        own = open(local_group, find<Group>(remote_group), remote_leader, stringtag, opening, link);
        opening.status = static_cast<int>(own);
    }
    Status s = bcast(&opening, sizeof opening, *find<Datatype>(MPI_BYTE), local_leader, *local);
    if (s == Status::ok) s = own;
    if (s == Status::ok && opening.status != MPI_SUCCESS) {
        s = fail(static_cast<Status>(opening.status),
                 "remote_group or remote_leader is wrong on rank %d, the local leader",
                 local_leader);
    }
    if (s == Status::ok) {
        Bridge bridge(*local, local_leader, link, opening.peer, static_cast<int>(opening.peer));
        s = join_sides(*local, bridge, newintercomm);
    }
    release(local);
    return s;
}

}  // namespace mpi
