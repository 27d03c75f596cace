#include "test/sim/world.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "bodies.hpp"
#include "mpi/core/op.hpp"

namespace sim {
namespace {

constexpr std::uint32_t kWorldContext = 2;

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "simulation: %s\n", why.c_str());
    std::_Exit(1);
}

void predefine_once() {
    [[maybe_unused]] static const bool done = [] {
        mpi::predefine_datatypes();
        mpi::predefine_ops();
        mpi::predefine_groups();
        return true;
    }();
}

}  // namespace

World::World(const std::vector<adi::Peer>& hosts, const adi::testing::SimModel& model)
    : job_(hosts, model) {
    predefine_once();
    job_.on_switch([this](adi::Peer rank) { mpi::process_state = processes_[rank].get(); });
    mpi::Errhandler* returns = mpi::find<mpi::Errhandler>(MPI_ERRORS_RETURN);
    for (adi::Peer rank = 0; rank < job_.size(); ++rank) {
        processes_.push_back(std::make_unique<mpi::ProcessState>());
        mpi::ProcessState& p = *processes_.back();
        mpi::process_state = &p;
        p.world_group.members = mpi::Processes(0, job_.size());
        p.world_group.rank = static_cast<int>(rank);
        std::string error;
        adi::Hooks hooks;
        hooks.fault = [](adi::Peer, adi::Status, const std::string& text) { give_up(text); };
        if (job_.start(p.engine, rank, std::move(hooks), &error) != adi::Status::ok) give_up(error);
        mpi::set_up_comm(p.world, &p.world_group, kWorldContext, returns);
    }
}

World::~World() {
    for (auto& process : processes_) {
        mpi::process_state = process.get();
        if (process->world.coll != nullptr) mpi::coll::destroy(process->world.coll);
        mpi::release(process->world.errhandler);
    }
    mpi::process_state = nullptr;
}

adi::testing::SimTime World::run(const std::function<void(mpi::Comm&)>& body) {
    if (!job_.run([&](adi::Peer rank) { body(comm(rank)); })) give_up(job_.why());
    return job_.end();
}

void World::warm_up() {
    run([](mpi::Comm& comm) {
        std::uint64_t word = 1;
        bool ok = mpi::allreduce(MPI_IN_PLACE, &word, 1, *mpi::find<mpi::Datatype>(MPI_UINT64_T),
                                 *mpi::find<mpi::Op>(MPI_SUM), comm) == mpi::Status::ok;
        // The first ones go by messages alone (select::kUsesBeforeShared), on each level.
        for (int i = 0; i < 6; ++i) ok = mpi::barrier(comm) == mpi::Status::ok && ok;
        if (!ok || word != static_cast<std::uint64_t>(comm.size)) give_up("no allreduce");
    });
}

std::vector<adi::Peer> hosts_of(int ranks, int each) {
    std::vector<adi::Peer> hosts;
    for (; ranks > 0; ranks -= each) hosts.push_back(static_cast<adi::Peer>(std::min(ranks, each)));
    return hosts;
}

}  // namespace sim
