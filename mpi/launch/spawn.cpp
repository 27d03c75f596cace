#include "mpi/launch/spawn.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "mpi/launch/program.hpp"

namespace launch {

namespace {

constexpr std::size_t kStackBytes = 128 * 1024;

// Shared between parent and child: with CLONE_VM the child's stores are the parent's.
struct ChildContext {
    const SpawnRequest* request;
    pid_t parent;
    SpawnStage stage;
    int error;
};

// The answer is for child_main to return, by which clone ends the child without exit handlers.
int give_up(ChildContext* context, SpawnStage stage) {
    context->stage = stage;
    context->error = errno;
    return 127;
}

// Runs on a stack of its own in the parent's memory, the parent being suspended until exec or exit:
// system calls and plain stores only.
int child_main(void* argument) {
    auto* context = static_cast<ChildContext*>(argument);
    const SpawnRequest& request = *context->request;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The parent may have died before the line above; then the signal will never come.
    if (::getppid() != context->parent) return give_up(context, SpawnStage::parent_gone);
    ::setpgid(0, 0);
    if (::dup2(request.stdin_fd, STDIN_FILENO) < 0 ||
        ::dup2(request.stdout_fd, STDOUT_FILENO) < 0 ||
        ::dup2(request.stderr_fd, STDERR_FILENO) < 0) {
        return give_up(context, SpawnStage::descriptors);
    }
    // dup2 of a descriptor to itself would leave it close-on-exec.
    if (request.pmi_fd == kPmiFd) {
        ::fcntl(kPmiFd, F_SETFD, 0);
    } else if (::dup2(request.pmi_fd, kPmiFd) < 0) {
        return give_up(context, SpawnStage::descriptors);
    }
    if (!request.cpus.empty() &&
        ::syscall(SYS_sched_setaffinity, 0, request.cpus.size() * sizeof(unsigned long),
                  request.cpus.data()) != 0) {
        return give_up(context, SpawnStage::binding);
    }
    if (request.board_fd >= 0 && ::dup2(request.board_fd, kBoardFd) < 0) {
        return give_up(context, SpawnStage::descriptors);
    }
    if (request.directory != nullptr && ::chdir(request.directory) != 0) {
        return give_up(context, SpawnStage::directory);
    }
    ::setrlimit(RLIMIT_NOFILE, &request.inherited->open_files);
    ::sigaction(SIGPIPE, &request.inherited->sigpipe, nullptr);
    ::sigaction(SIGCHLD, &request.inherited->sigchld, nullptr);
    ::sigaction(SIGQUIT, &request.inherited->sigquit, nullptr);
    ::sigprocmask(SIG_SETMASK, &request.inherited->mask, nullptr);
    ::execve(request.path, request.argv, request.envp);
    return give_up(context, SpawnStage::exec);
}

pid_t clone_child(ChildContext* context) {
    // One stack for all: the parent is suspended while a child uses it.
    static void* stack = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -1;
    return ::clone(child_main, static_cast<char*>(stack) + kStackBytes,
                   CLONE_VM | CLONE_VFORK | SIGCHLD, context);
}

SpawnResult spawn_once(const SpawnRequest& request) {
    ChildContext context = {&request, ::getpid(), SpawnStage::none, 0};
    const pid_t pid = clone_child(&context);
    if (pid < 0) return {-1, SpawnStage::clone, errno};
    if (context.stage == SpawnStage::none) return {pid, SpawnStage::none, 0};
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return {-1, context.stage, context.error};
}

}  // namespace

SpawnResult spawn_process(const SpawnRequest& request) {
    const SpawnResult result = spawn_once(request);
    if (result.stage != SpawnStage::exec || result.error != ENOEXEC ||
        !is_text_file(request.path)) {
        return result;
    }
    // As execvp: a text file without an interpreter line is a script for the shell.
    std::vector<char*> argv = {const_cast<char*>("/bin/sh"), const_cast<char*>(request.path)};
    for (char* const* at = request.argv + 1; *at != nullptr; ++at) argv.push_back(*at);
    argv.push_back(nullptr);
    SpawnRequest shell = request;
    shell.path = "/bin/sh";
    shell.argv = argv.data();
    return spawn_once(shell);
}

}  // namespace launch
