// fathom-proxy: started by mpirun on each other host of a job; not by people.
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string_view>

#include "mpi/launch/process.hpp"
#include "mpi/launch/proxy.hpp"

int main(int argc, char** argv) {
    try {
        launch::open_standard_streams();
        // The connection is nobody else's to read or to write.
        launch::UniqueFd in(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
        launch::UniqueFd out(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
        const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        ::dup2(null, STDIN_FILENO);
        ::dup2(null, STDOUT_FILENO);
        ::close(null);
        const bool with_machine = argc > 1 && std::string_view(argv[1]) == launch::kAskMachine;
        const launch::InheritedState inherited = launch::take_over_signals();
        return launch::Proxy(std::move(in), std::move(out), inherited).run(with_machine);
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "fathom-proxy: %s\n", problem.what());
        return 1;
    }
}
