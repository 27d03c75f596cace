// By which program other hosts are reached.
#pragma once

#include <string>
#include <vector>

#include "mpi/launch/options.hpp"

namespace launch {

/// How hosts are reached, the same for all.
struct RemoteShell {
    /// Called as WORDS HOST COMMAND: COMMAND is one word for a shell of the other host, or, where
    /// it is `direct`, a program and its arguments.
    std::vector<std::string> words;
    bool direct = false;
    std::string proxy;         ///< path of fathom-proxy, on every host
    int start_limit_s = 30;    ///< how long it may take
    bool ask_machine = false;  ///< hosts are to say which CPUs they have
};

/// The words and `direct`, in this order: what the options say, FATHOM_RSH, the variables of other
/// launchers, what the batch system has if it is installed, ssh that asks nobody anything.
RemoteShell choose_shell(const ShellOptions& options, const std::string& manager,
                         const char* (*lookup)(const char* name));

/// Whether there is a launcher of this name, as -launcher takes it.
bool is_launcher(const std::string& name);

}  // namespace launch
