#include "mpi/core/group.hpp"

#include <algorithm>
#include <new>
#include <numeric>
#include <utility>

#include "mpi/core/process.hpp"

namespace mpi {

void Group::find_order() const {
    const std::span<const Process> list = members.entries();
    const std::size_t n = list.size();
    if (std::is_sorted(list.begin(), list.end())) {
        order_ = Order::ascending;
        return;
    }
    try {
        by_process_.resize(n);
    } catch (const std::bad_alloc&) {
        return;  // stays unknown
    }
    std::iota(by_process_.begin(), by_process_.end(), 0U);
    std::sort(by_process_.begin(), by_process_.end(),
              [list](std::uint32_t a, std::uint32_t b) { return list[a] < list[b]; });
    order_ = Order::permuted;
}

int Group::rank_of(Process process) const {
    if (members.by_rule()) [[likely]]
        return members.rank_by_rule(process);
    if (order_ == Order::unknown) find_order();
    const std::span<const Process> list = members.entries();
    switch (order_) {
        case Order::ascending: {
            const auto it = std::lower_bound(list.begin(), list.end(), process);
            if (it == list.end() || *it != process) return -1;
            return static_cast<int>(it - list.begin());
        }
        case Order::permuted: {
            const auto it =
                std::lower_bound(by_process_.begin(), by_process_.end(), process,
                                 [list](std::uint32_t r, Process p) { return list[r] < p; });
            if (it == by_process_.end() || list[*it] != process) return -1;
            return static_cast<int>(*it);
        }
        case Order::unknown: break;
    }
    // No memory for the index: slow, but right.
    const auto it = std::find(list.begin(), list.end(), process);
    return it == list.end() ? -1 : static_cast<int>(it - list.begin());
}

Group* make_group(Processes members, const Group& from) {
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
