// The keeper: a process between mpirun and the ranks, so that nothing is left behind whoever is
// killed.
//
//   mpirun --- socket pair --- keeper --- ranks (each leads a process group) --- their descendants
//
// The keeper starts the ranks, waits for them, signals them, and adopts (as a child subreaper)
// every descendant whose parent died. Then:
//   - mpirun dies, by SIGKILL too: the socket closes, and the keeper kills all its descendants;
//   - the keeper dies: each rank gets its parent-death signal, SIGKILL; deeper descendants fall to
//     mpirun, which is a subreaper too, sees the socket close, and kills them;
//   - a rank dies: the keeper reports it, and mpirun decides.
// It is a small single-threaded process with no state worth losing, and has its own name, so that
// `killall mpirun` does not hit both.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "mpi/launch/plan.hpp"
#include "mpi/launch/spawn.hpp"
#include "mpi/launch/unique_fd.hpp"

namespace launch {

/// One rank to start. The descriptors are the rank's ends and move to the keeper.
struct RankStart {
    int rank = 0;
    const ProgramImage* image = nullptr;
    const std::vector<int>* cpus = nullptr;  ///< that it is bound to; empty: to none
    UniqueFd stdin_fd;
    UniqueFd stdout_fd;
    UniqueFd stderr_fd;
    UniqueFd pmi_fd;
};

/// What the keeper tells mpirun. A message of the socket pair, so both ends are the same program.
struct KeeperEvent {
    enum class Type : int { started, start_failed, exited };
    Type type;
    int rank;
    pid_t pid;         // started
    SpawnStage stage;  // start_failed
    int value;         // start_failed: errno; exited: wait status
};

/// mpirun's end.
class Keeper {
  public:
    /// Forks the keeper, which begins at once to start `ranks` of a job of `job_size`. It holds no
    /// descriptor of the caller's but theirs, and `board_fd`, which each of them gets (-1: none).
    /// The calling process becomes a child subreaper. All signals are blocked in the caller. Empty
    /// when the fork failed.
    static std::optional<Keeper> start(std::vector<RankStart> ranks, int job_size, int board_fd,
                                       const InheritedState& inherited);

    int fd() const { return socket_.get(); }
    pid_t pid() const { return pid_; }

    /// Takes the next event without waiting. Empty: none is there; `lost` then says whether the
    /// keeper is gone for good.
    std::optional<KeeperEvent> next(bool* lost);

    /// Sends `signal` to the process groups of all ranks that live.
    void signal_all(int signal);

    /// Has the keeper kill every process that is left and end; waits for that, a few seconds at
    /// most, and sweeps up what fell to this process. Afterwards the keeper is gone; the answer is
    /// its wait status, or 0 when it had to be given up.
    int finish();

  private:
    Keeper(UniqueFd socket, pid_t pid, std::vector<pid_t> older_children)
        : socket_(std::move(socket)), pid_(pid), older_children_(std::move(older_children)) {}

    UniqueFd socket_;
    pid_t pid_;
    std::vector<pid_t> older_children_;  // not ours: this process had them before it became mpirun
};

}  // namespace launch
