// fm-fabric: an emulated Myrinet, as a process of its own.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <span>
#include <string>

#include "firmware/emulator/options.hpp"
#include "firmware/tools/firmware_image.hpp"

namespace {

emulator::Emulator* running = nullptr;

void end(int) {
    running->stop();
}

void stop_at_signals(emulator::Emulator& emulator) {
    running = &emulator;
    struct sigaction action {};
    action.sa_handler = end;
    ::sigaction(SIGTERM, &action, nullptr);
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGHUP, &action, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
}

}  // namespace

int main(int argc, char** argv) {
    auto line = emulator::parse_command_line(
        std::span<const char* const>(argv + 1, argc > 0 ? static_cast<std::size_t>(argc - 1) : 0));
    if (!line) {
        std::fprintf(stderr, "fm-fabric: %s\nTry fm-fabric --help.\n", line.message().c_str());
        return 2;
    }
    if (line->help) {
        std::fputs(emulator::usage(), stdout);
        return 0;
    }
    line->emulator.ready = [fd = line->ready_fd] {
        // The ports on which it listens, in the order of the topology's links.
        std::string text = "ready";
        const emulator::Network& network = running->network();
        for (const emulator::Topology::Link& link : network.topology().links) {
            if (link.far != emulator::Topology::Far::listen) continue;
            text += ' ' + std::to_string(network.listening_port(link.a));
        }
        text += '\n';
        if (fd >= 0 && ::write(fd, text.data(), text.size()) < 0) {
            std::perror("fm-fabric: --ready-fd");
        }
    };
    auto made = emulator::Emulator::make(line->emulator, firmware::kControlProgram);
    if (!made) {
        std::fprintf(stderr, "fm-fabric: %s\n", made.message().c_str());
        return 1;
    }
    emulator::Emulator& emulator = **made;
    stop_at_signals(emulator);
    const bool good = emulator.run();
    if (line->report) std::fputs(emulator.report().c_str(), stdout);
    return good ? 0 : 1;
}
