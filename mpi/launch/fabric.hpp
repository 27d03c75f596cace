// The emulated Myrinet of a job with --device fm: a process fm-fabric on each host that has ranks,
// which starts before them and ends after them. One host: the topology that the options ask for.
// Several: a switch on each with that host's boards, those of all others linked to the first one's.
//
// Nothing of it is left behind: it ends when its lifeline, a pipe that its launcher alone holds,
// closes, which it also does when the launcher is killed.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "mpi/launch/plan.hpp"
#include "mpi/launch/spawn.hpp"
#include "mpi/launch/unique_fd.hpp"

namespace launch {

class Fabric {
  public:
    Fabric() = default;
    ~Fabric() { stop(); }
    Fabric(const Fabric&) = delete;
    Fabric& operator=(const Fabric&) = delete;

    /// Does this host's part listen, for the others to join it?
    static bool is_first(const JobPlan& plan, int host);
    /// Starts the host's part of the plan's Myrinet. `ways` is where the first one listens, what
    /// its ways() said; not used for that one itself. False: `error` says why not.
    bool start(const JobPlan& plan, int host, const std::string& ways,
               const InheritedState& inherited, std::string* error);
    /// Becomes readable when there is something for look(); negative once that is over.
    int news() const { return ready_.get(); }
    enum class State { starting, ready, failed };
    /// Can processes attach? failed: `error` says why not, unless the emulator itself has said so
    /// on stderr.
    State look(std::string* error);
    /// Where others can join, once it is ready: an address, and a port for each, with spaces
    /// between.
    const std::string& ways() const { return ways_; }
    /// Ends it and waits for that; it may print its report. True when all was well with it.
    bool stop();

    /// What the ranks have to know, as variables of their environment.
    const std::vector<std::pair<std::string, std::string>>& environment() const {
        return environment_;
    }
    /// Becomes readable when the emulator has ended; negative when there is none.
    int ended() const { return ended_.get(); }
    pid_t pid() const { return pid_; }

  private:
    bool spawn(const std::vector<std::string>& words, const std::vector<std::pair<int, int>>& fds,
               const InheritedState& inherited, std::string* error);

    pid_t pid_ = -1;
    UniqueFd lifeline_;
    UniqueFd ready_;
    UniqueFd ended_;
    std::string said_;     ///< by the emulator, of its being ready
    std::string address_;  ///< where others join: of the first of several hosts
    std::string ways_;
    std::vector<std::pair<std::string, std::string>> environment_;
};

}  // namespace launch
