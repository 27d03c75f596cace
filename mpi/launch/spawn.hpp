// Starting one process, fast and safely: clone with shared memory until exec, as posix_spawn does,
// which however cannot ask for a parent-death signal.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <csignal>
#include <vector>

namespace launch {

/// The descriptor under which a rank finds its PMI connection: above what shells use for themselves
/// (0 to 9, and bash and dash from 10 on).
inline constexpr int kPmiFd = 23;
/// And its host's board (adi/boot/board.hpp).
inline constexpr int kBoardFd = 24;

/// What mpirun changed for itself and a rank gets back as mpirun found it.
struct InheritedState {
    sigset_t mask;
    struct sigaction sigpipe;
    struct sigaction sigchld;
    struct sigaction sigquit;
    rlimit open_files;
};

/// All pointers outlive spawn_process(). The descriptors are above 2, close-on-exec, and stay the
/// caller's; the board's is above kBoardFd.
struct SpawnRequest {
    const char* path;
    char* const* argv;
    char* const* envp;
    const char* directory;  // null: stay
    int stdin_fd;
    int stdout_fd;
    int stderr_fd;
    int pmi_fd;
    int board_fd;  // -1: none
    const InheritedState* inherited;
    std::vector<unsigned long> cpus;  // a bit for each that it is bound to; empty: to none
};

/// What failed, when something did.
enum class SpawnStage { none, clone, parent_gone, binding, directory, descriptors, exec };

struct SpawnResult {
    pid_t pid = -1;
    SpawnStage stage = SpawnStage::none;
    int error = 0;
};

/// Starts the process in a process group of its own. It gets SIGKILL when the calling thread's
/// process dies. On failure nothing runs and there is nothing to wait for. The caller has all
/// signals blocked.
SpawnResult spawn_process(const SpawnRequest& request);

}  // namespace launch
