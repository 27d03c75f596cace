#include "mpi/core/failure.hpp"

#include <algorithm>
#include <vector>

#include "mpi/core/process.hpp"

namespace mpi {

namespace {

/// Lost processes, in the order in which they were. Most often none.
std::vector<Process>& lost() {
    static std::vector<Process> processes;
    return processes;
}
std::string first_loss;  // a sentence

bool is_lost(Process process) {
    return std::find(lost().begin(), lost().end(), process) != lost().end();
}

bool has_lost(const Group& group) {
    return std::any_of(lost().begin(), lost().end(),
                       [&](Process process) { return group.rank_of(process) >= 0; });
}

bool has(const Comm& comm, Process process) {
    return comm.group->rank_of(process) >= 0 || comm.peers->rank_of(process) >= 0;
}

template <class F>
void for_each_comm(F&& f) {
    for (const MPI_Comm handle : {MPI_COMM_WORLD, MPI_COMM_SELF}) {
        if (Comm* comm = find<Comm>(handle); comm != nullptr) f(*comm);
    }
    table<Comm>().for_each(f);
}

}  // namespace

const Comm* comm_of(std::uint32_t context) {
    // Of contexts that come with another one, only the local communicator's is of an object.
    constexpr auto kBeside =
        static_cast<std::uint32_t>(Side::group) | static_cast<std::uint32_t>(Side::leaders);
    const std::uint32_t own = context & ~(kBeside | 1U);
    const Comm* found = nullptr;
    for_each_comm([&](const Comm& comm) {
        if (comm.context == own) found = &comm;
    });
    return found;
}

bool lose(Process process, const std::string& why) {
    bool wanted = false;
    for_each_comm([&](const Comm& comm) {
        const auto action = comm.errhandler->action;
        const bool returns =
            action == Errhandler::Action::return_code || action == Errhandler::Action::call;
        wanted = wanted || (returns && has(comm, process));
    });
    if (!wanted) return false;
    if (lost().empty()) first_loss = "lost rank " + std::to_string(process) + ": " + why;
    lost().push_back(process);
    for_each_comm(check_members);
    // What several levels do together fails on all of them.
    constexpr auto kLevels =
        static_cast<std::uint32_t>(Side::host) | static_cast<std::uint32_t>(Side::hosts);
    for_each_comm([](Comm& comm) {
        if ((comm.context & kLevels) == 0) return;
        const Comm* whole = comm_of(comm.context & ~kLevels);
        comm.broken = comm.broken || (whole != nullptr && whole->broken);
    });
    return true;
}

void check_members(Comm& comm) {
    if (lost().empty() || comm.broken) [[likely]]
        return;
    comm.broken = has_lost(*comm.group) || has_lost(*comm.peers);
}

bool depends_on_lost(const adi::Match& match, bool sends) {
    const Comm* comm = comm_of(match.context);
    if (comm == nullptr || !comm->broken) return false;
    const bool collective = (match.context & 1) != 0;
    if (sends || collective || match.source < 0) return collective || !sends;
    return match.source < comm->peer_size && is_lost(comm->process(match.source));
}

Status proc_failed() {
    return fail(Status::proc_failed, "%s", first_loss.c_str());
}

}  // namespace mpi
