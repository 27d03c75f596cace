// A job of simulated ranks (adi/testing/sim_job.hpp) with the MPI layer on top: the library's own
// collectives, communicators and engines. What a process has once is changed whenever another rank
// goes on; handles and predefined objects are shared by all ranks.
#pragma once

#include <memory>
#include <vector>

#include "adi/testing/sim_job.hpp"
#include "mpi/core/process.hpp"

namespace sim {

class World {
  public:
    /// `hosts` has the number of ranks of each host.
    World(const std::vector<adi::Peer>& hosts, const adi::testing::SimModel& model);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    int size() const { return static_cast<int>(job_.size()); }
    /// MPI_COMM_WORLD as a rank has it.
    mpi::Comm& comm(adi::Peer rank) { return processes_[rank]->world; }
    /// Runs body(rank's communicator) on all ranks at a time; ends the program when one of them
    /// waits for ever. Returns the modelled time that it took.
    adi::testing::SimTime run(const std::function<void(mpi::Comm&)>& body);
    /// Collectives that let each communicator decide what it uses from now on.
    void warm_up();
    std::uint64_t messages() const { return job_.messages(); }

  private:
    adi::testing::SimJob job_;
    std::vector<std::unique_ptr<mpi::ProcessState>> processes_;
};

/// `ranks` ranks on hosts of `each`; the last one may have fewer.
std::vector<adi::Peer> hosts_of(int ranks, int each);

}  // namespace sim
