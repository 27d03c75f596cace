#include "mpi/core/group.hpp"

#include <algorithm>
#include <new>
#include <numeric>
#include <utility>

#include "mpi/core/process.hpp"

namespace mpi {

void Group::find_order() const {
    const std::size_t n = members.size();
    bool ascending = true;
    for (std::size_t i = 1; i < n && ascending; ++i) ascending = members[i - 1] < members[i];
    if (ascending) {
        const bool consecutive = n == 0 || members[n - 1] - members[0] == n - 1;
        order_ = consecutive ? Order::consecutive : Order::ascending;
        return;
    }
    try {
        by_process_.resize(n);
    } catch (const std::bad_alloc&) {
        return;  // stays unknown
    }
    std::iota(by_process_.begin(), by_process_.end(), 0U);
    std::sort(by_process_.begin(), by_process_.end(),
              [this](std::uint32_t a, std::uint32_t b) { return members[a] < members[b]; });
    order_ = Order::permuted;
}

int Group::rank_of(Process process) const {
    if (order_ == Order::unknown) find_order();
    switch (order_) {
        case Order::consecutive: {
            if (members.empty() || process < members[0]) return -1;
            const Process r = process - members[0];
            return r < members.size() ? static_cast<int>(r) : -1;
        }
        case Order::ascending: {
            const auto it = std::lower_bound(members.begin(), members.end(), process);
            if (it == members.end() || *it != process) return -1;
            return static_cast<int>(it - members.begin());
        }
        case Order::permuted: {
            const auto it =
                std::lower_bound(by_process_.begin(), by_process_.end(), process,
                                 [this](std::uint32_t r, Process p) { return members[r] < p; });
            if (it == by_process_.end() || members[*it] != process) return -1;
            return static_cast<int>(*it);
        }
        case Order::unknown: break;
    }
    // No memory for the index: slow, but right.
    const auto it = std::find(members.begin(), members.end(), process);
    return it == members.end() ? -1 : static_cast<int>(it - members.begin());
}

Group* make_group(std::vector<Process> members, const Group& from) {
    Group* group = table<Group>().create();
    if (group == nullptr) return nullptr;
    group->members = std::move(members);
    group->session_buffer = from.session_buffer;
    const int self = world_rank();
    if (self >= 0) group->rank = group->rank_of(static_cast<Process>(self));
    return group;
}

void release(Group* group) {
    // The groups of MPI_COMM_WORLD and MPI_COMM_SELF (no id) and MPI_GROUP_EMPTY are nobody's.
    if (group->id < HandleTraits<Group>::first + HandleTraits<Group>::count) return;
    if (--group->refs == 0) table<Group>().destroy(group);
}

void predefine_groups() {
    static Group empty;
    table<Group>().predefine(0x109, &empty);
}

}  // namespace mpi
