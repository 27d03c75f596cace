#include "firmware/emulator/options.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string_view>

#include "adi/base/number.hpp"

namespace emulator {

namespace {

constexpr std::uint32_t kMaxNumber = 1'000'000'000;

using Set = adi::Result<bool> (*)(CommandLine&, const std::string&);

struct Option {
    std::string_view name;
    bool has_value;
    Set set;
};

adi::Result<std::uint32_t> number(const std::string& text, std::uint32_t least,
                                  std::uint32_t most) {
    const auto value = adi::parse_number_within<std::uint32_t>(text, least, most);
    if (!value)
        return {adi::Status::bad_argument, "'" + text + "' is not a number from " +
                                               std::to_string(least) + " to " +
                                               std::to_string(most)};
    return *value;
}

adi::Result<bool> set_number(const std::string& text, std::uint32_t least, std::uint32_t most,
                             std::uint32_t& to) {
    const auto value = number(text, least, most);
    if (!value) return {value.status(), value.message()};
    to = *value;
    return true;
}

adi::Result<bool> set_descriptor(const std::string& text, int& to) {
    const auto value = number(text, 0, 1 << 20);
    if (!value || ::fcntl(static_cast<int>(*value), F_GETFD) < 0)
        return {adi::Status::bad_argument, "'" + text + "' is not an open descriptor"};
    to = static_cast<int>(*value);
    return true;
}

adi::Result<bool> set_machine(CommandLine& line, const std::string& text) {
    line.emulator.machine = find_machine(text);
    if (line.emulator.machine != nullptr) return true;
    std::string names;
    for (const Machine& machine : machines()) names += std::string(" ") + machine.name;
    return {adi::Status::bad_argument, "there is no machine '" + text + "'; there are" + names};
}

/// A secret: from a file that others cannot read, so that it is in no list of processes.
adi::Result<bool> set_secret(CommandLine& line, const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char bytes[256];
    const ssize_t got = file ? ::read(file.get(), bytes, sizeof bytes) : -1;
    if (got < 16) return {adi::Status::bad_argument, "'" + path + "' has no 16 bytes to read"};
    line.emulator.secret.assign(bytes, static_cast<std::size_t>(got));
    return true;
}

constexpr Option kOptions[] = {
    {"--listen", true,
     [](CommandLine& line, const std::string& text) -> adi::Result<bool> {
         line.emulator.listen = text;
         return true;
     }},
    {"--fabric", true,
     [](CommandLine& line, const std::string& text) -> adi::Result<bool> {
         line.emulator.fabric = text;
         return true;
     }},
    {"--boards", true,
     [](CommandLine& line, const std::string& text) {
         return set_number(text, 1, FM_MAX_BOARDS, line.emulator.boards);
     }},
    {"--machine", true, set_machine},
    {"--faults", true,
     [](CommandLine& line, const std::string& text) -> adi::Result<bool> {
         line.emulator.faults = text;
         return true;
     }},
    {"--trace", true,
     [](CommandLine& line, const std::string& text) -> adi::Result<bool> {
         line.emulator.trace = text;
         return true;
     }},
    {"--secret-file", true, set_secret},
    {"--map", false,
     [](CommandLine& line, const std::string&) -> adi::Result<bool> {
         line.emulator.firmware.map = true;
         return true;
     }},
    {"--retransmit-us", true,
     [](CommandLine& line, const std::string& text) {
         return set_number(text, 1, kMaxNumber, line.emulator.firmware.retransmit_us);
     }},
    {"--give-up-ms", true,
     [](CommandLine& line, const std::string& text) {
         return set_number(text, 1, kMaxNumber, line.emulator.firmware.give_up_ms);
     }},
    {"--ack-us", true,
     [](CommandLine& line, const std::string& text) {
         return set_number(text, 1, kMaxNumber, line.emulator.firmware.ack_us);
     }},
    {"--map-ms", true,
     [](CommandLine& line, const std::string& text) {
         return set_number(text, 0, kMaxNumber, line.emulator.firmware.map_ms);
     }},
    {"--lifeline", true,
     [](CommandLine& line, const std::string& text) {
         return set_descriptor(text, line.emulator.lifeline);
     }},
    {"--ready-fd", true,
     [](CommandLine& line, const std::string& text) {
         return set_descriptor(text, line.ready_fd);
     }},
    {"--report", false,
     [](CommandLine& line, const std::string&) -> adi::Result<bool> {
         line.report = true;
         return true;
     }},
    {"--profile", false,
     [](CommandLine& line, const std::string&) -> adi::Result<bool> {
         line.emulator.profile = true;
         return true;
     }},
    {"--help", false,
     [](CommandLine& line, const std::string&) -> adi::Result<bool> {
         line.help = true;
         return true;
     }},
};

}  // namespace

adi::Result<CommandLine> parse_command_line(std::span<const char* const> arguments) {
    CommandLine line;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        std::string name = arguments[i];
        const std::size_t equals = name.find('=');
        std::string value;
        if (equals != std::string::npos) {
            value = name.substr(equals + 1);
            name.resize(equals);
        }
        const auto option = std::find_if(std::begin(kOptions), std::end(kOptions),
                                         [&](const Option& o) { return o.name == name; });
        if (option == std::end(kOptions))
            return {adi::Status::bad_argument, "there is no option '" + name + "'"};
        if (option->has_value && equals == std::string::npos) {
            if (++i == arguments.size())
                return {adi::Status::bad_argument, name + " needs a value"};
            value = arguments[i];
        } else if (!option->has_value && equals != std::string::npos) {
            return {adi::Status::bad_argument, name + " takes no value"};
        }
        const auto set = option->set(line, value);
        if (!set) return {set.status(), name + ": " + set.message()};
    }
    if (line.emulator.listen.empty() && !line.help)
        return {adi::Status::bad_argument, "--listen NAME is needed"};
    return line;
}

const char* usage() {
    return "usage: fm-fabric --listen NAME [options]\n"
           "Emulates a Myrinet: boards that run the control program, and the network between "
           "them.\n"
           "Processes attach to the local socket NAME; mpirun --device fm does all of this "
           "itself.\n"
           "\n"
           "  --listen NAME       name of the socket, in the abstract namespace\n"
           "  --fabric FILE       topology: switches, boards, links\n"
           "  --boards N          boards on the default fabric, switches of 16 ports (16)\n"
           "  --machine NAME      modelled time, with the constants of that machine\n"
           "  --faults SPEC       what goes wrong: "
           "drop=1e-3,corrupt=1e-4,seed=7,down=left:3@2s+1s\n"
           "  --trace FILE        writes what happens, for ui.perfetto.dev\n"
           "  --map               the boards find their routes by themselves\n"
           "  --retransmit-us N   time-out of a packet that is not acknowledged\n"
           "  --give-up-ms N      after so long without an answer a node is dead\n"
           "  --ack-us N          how long an acknowledgement may wait for a packet to ride on\n"
           "  --map-ms N          period of looking at the network again; 0: never\n"
           "  --secret-file FILE  what emulators know that join their fabrics, 16 bytes or more\n"
           "  --lifeline FD       ends when FD closes\n"
           "  --ready-fd FD       writes a line when processes can attach: \"ready\" and the ports of its links\n"
           "  --report            prints counters as JSON at the end\n"
           "  --profile           and instructions by function of the control program (slower)\n";
}

}  // namespace emulator
