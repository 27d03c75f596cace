// The command line of fm-fabric.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "adi/base/status.hpp"
#include "firmware/emulator/emulator.hpp"

namespace emulator {

struct CommandLine {
    EmulatorOptions emulator;
    int ready_fd = -1;    ///< gets one byte when processes can attach
    bool report = false;  ///< at the end, to stdout
    bool help = false;
};

/// Reads the arguments; the message of an error says what was wrong with which.
adi::Result<CommandLine> parse_command_line(std::span<const char* const> arguments);

/// What --help prints.
const char* usage();

}  // namespace emulator
