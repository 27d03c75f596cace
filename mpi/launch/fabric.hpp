// The emulated Myrinet of a job with --device fm: a process fm-fabric beside mpirun, which starts
// before the ranks and ends after them.
//
// Nothing of it is left behind: it ends when its lifeline, a pipe that mpirun alone holds, closes,
// which it also does when mpirun is killed.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "mpi/launch/options.hpp"
#include "mpi/launch/unique_fd.hpp"

namespace launch {

class Fabric {
  public:
    Fabric() = default;
    ~Fabric() { stop(); }
    Fabric(const Fabric&) = delete;
    Fabric& operator=(const Fabric&) = delete;

    /// Starts it and waits until processes can attach. False: `error` says why not, unless the
    /// emulator itself has said so on stderr.
    bool start(const FabricOptions& options, std::string* error);
    /// Ends it and waits for that; it may print its report. True when all was well with it.
    bool stop();

    /// What the ranks have to know, as variables of their environment.
    const std::vector<std::pair<std::string, std::string>>& environment() const {
        return environment_;
    }
    /// Descriptors that mpirun alone holds; negative when there is no emulator.
    int lifeline() const { return lifeline_.get(); }
    /// Becomes readable when the emulator has ended.
    int ended() const { return ended_.get(); }
    pid_t pid() const { return pid_; }

  private:
    bool spawn(const std::vector<std::string>& words, int lifeline, int ready, std::string* error);
    bool wait_until_ready(int ready);

    pid_t pid_ = -1;
    UniqueFd lifeline_;
    UniqueFd ended_;
    std::vector<std::pair<std::string, std::string>> environment_;
};

}  // namespace launch
