// Groups: what they are, and how they compare (MPI-5.0 §7.3.1).
#include "mpi/core/group.hpp"

#include "mpi/gen/bodies.hpp"

namespace mpi {

Status group_size(Group& group, int& size) {
    size = group.size();
    return Status::ok;
}

Status group_rank(Group& group, int& rank) {
    rank = group.rank >= 0 ? group.rank : MPI_UNDEFINED;
    return Status::ok;
}

Status group_translate_ranks(Group& group1, int n, const int* ranks1, Group& group2, int* ranks2) {
    for (int i = 0; i < n; ++i) {
        if (ranks1[i] == MPI_PROC_NULL) {
            ranks2[i] = MPI_PROC_NULL;
            continue;
        }
        if (ranks1[i] < 0 || ranks1[i] >= group1.size()) {
            return fail(Status::rank,
                        "ranks1[%d] is %d, must be 0 to %d, the ranks of group1, or MPI_PROC_NULL",
                        i, ranks1[i], group1.size() - 1);
        }
        const int r = group2.rank_of(group1.members[static_cast<std::size_t>(ranks1[i])]);
        ranks2[i] = r >= 0 ? r : MPI_UNDEFINED;
    }
    return Status::ok;
}

Status group_compare(Group& group1, Group& group2, int& result) {
    if (group1.members == group2.members) {
        result = MPI_IDENT;
        return Status::ok;
    }
    // No process is in a group twice: same size and all of one in the other means the same set.
    bool similar = group1.size() == group2.size();
    for (std::size_t i = 0; i < group1.members.size() && similar; ++i) {
        similar = group2.rank_of(group1.members[i]) >= 0;
    }
    result = similar ? MPI_SIMILAR : MPI_UNEQUAL;
    return Status::ok;
}

Status group_free(Group& group) {
    if (group.id < HandleTraits<Group>::first + HandleTraits<Group>::count) return Status::ok;
    table<Group>().retire(&group);
    release(&group);
    return Status::ok;
}

}  // namespace mpi
