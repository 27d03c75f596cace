// Making groups of groups (MPI-5.0 §7.3.2).
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "mpi/core/group.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

namespace {

/// The group of `members`, made from `from`; MPI_GROUP_EMPTY when there are none.
Status finish(Processes members, const Group& from, Group*& newgroup) {
    newgroup =
        members.empty() ? find<Group>(MPI_GROUP_EMPTY) : make_group(std::move(members), from);
    return newgroup != nullptr ? Status::ok : fail(Status::no_mem, "no memory for a group");
}

/// Runs a body that allocates.
template <class Body>
Status with_memory(Body body) {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return fail(Status::no_mem, "no memory for a group");
    }
}

/// Ranks picked out of a group, each at most once.
class Selection {
  public:
    explicit Selection(const Group& group)
        : group_(group), picked_(static_cast<std::size_t>(group.size())) {}

    /// `argument` and `index` are where the rank comes from, for people.
    Status add(int rank, const char* argument, int index) {
        if (rank < 0 || rank >= group_.size()) {
            return fail(Status::rank, "%s[%d] names rank %d, but the group has ranks 0 to %d",
                        argument, index, rank, group_.size() - 1);
        }
        const auto r = static_cast<std::size_t>(rank);
        if (picked_[r]) {
            return fail(Status::rank, "%s[%d] names rank %d, which was named before", argument,
                        index, rank);
        }
        picked_[r] = true;
        members_.push_back(group_.members[r]);
        return Status::ok;
    }

    /// A range: first, first + stride, … up to and including last, or as near as the stride comes.
    Status add_range(const int (&range)[3], int index) {
        const std::int64_t first = range[0], last = range[1], stride = range[2];
        if (stride == 0) {
            return fail(Status::arg, "ranges[%d] is (%d, %d, 0): the stride must not be 0", index,
                        range[0], range[1]);
        }
        if (first != last && (first < last) != (stride > 0)) {
            return fail(Status::arg, "ranges[%d] is (%d, %d, %d), which never comes to its end",
                        index, range[0], range[1], range[2]);
        }
        for (std::int64_t i = 0, n = (last - first) / stride; i <= n; ++i) {
            const int rank = static_cast<int>(first + i * stride);  // between first and last
            if (Status s = add(rank, "ranges", index); s != Status::ok) return s;
        }
        return Status::ok;
    }

    /// In the order in which they were added.
    std::vector<Process> take_members() { return std::move(members_); }
    /// All that were not added, in the group's order.
    std::vector<Process> others() const {
        std::vector<Process> rest;
        rest.reserve(picked_.size() - members_.size());
        for (std::size_t r = 0; r < picked_.size(); ++r) {
            if (!picked_[r]) rest.push_back(group_.members[r]);
        }
        return rest;
    }

  private:
    const Group& group_;
    std::vector<bool> picked_;
    std::vector<Process> members_;
};

Status select(Selection& selection, int n, const int* ranks) {
    for (int i = 0; i < n; ++i) {
        if (Status s = selection.add(ranks[i], "ranks", i); s != Status::ok) return s;
    }
    return Status::ok;
}

Status select(Selection& selection, int n, const int (*ranges)[3]) {
    for (int i = 0; i < n; ++i) {
        if (Status s = selection.add_range(ranges[i], i); s != Status::ok) return s;
    }
    return Status::ok;
}

template <class Ranks>
Status include(const Group& group, int n, Ranks ranks, Group*& newgroup) {
    return with_memory([&] {
        Selection selection(group);
        if (Status s = select(selection, n, ranks); s != Status::ok) return s;
        return finish(selection.take_members(), group, newgroup);
    });
}

template <class Ranks>
Status exclude(const Group& group, int n, Ranks ranks, Group*& newgroup) {
    return with_memory([&] {
        Selection selection(group);
        if (Status s = select(selection, n, ranks); s != Status::ok) return s;
        return finish(selection.others(), group, newgroup);
    });
}

/// Appends those of `from` that are members of `other` (or are not), in the order of `from`.
void append(std::vector<Process>& to, const Group& from, const Group& other, bool members) {
    for (const Process process : from.members) {
        if ((other.rank_of(process) >= 0) == members) to.push_back(process);
    }
}

}  // namespace

Status group_union(Group& group1, Group& group2, Group*& newgroup) {
    return with_memory([&] {
        std::vector<Process> members = group1.members.list();
        append(members, group2, group1, false);
        return finish(std::move(members), group1, newgroup);
    });
}

Status group_intersection(Group& group1, Group& group2, Group*& newgroup) {
    return with_memory([&] {
        std::vector<Process> members;
        append(members, group1, group2, true);
        return finish(std::move(members), group1, newgroup);
    });
}

Status group_difference(Group& group1, Group& group2, Group*& newgroup) {
    return with_memory([&] {
        std::vector<Process> members;
        append(members, group1, group2, false);
        return finish(std::move(members), group1, newgroup);
    });
}

Status group_incl(Group& group, int n, const int* ranks, Group*& newgroup) {
    return include(group, n, ranks, newgroup);
}

Status group_excl(Group& group, int n, const int* ranks, Group*& newgroup) {
    return exclude(group, n, ranks, newgroup);
}

Status group_range_incl(Group& group, int n, const int (*ranges)[3], Group*& newgroup) {
    return include(group, n, ranges, newgroup);
}

Status group_range_excl(Group& group, int n, const int (*ranges)[3], Group*& newgroup) {
    return exclude(group, n, ranges, newgroup);
}

}  // namespace mpi
