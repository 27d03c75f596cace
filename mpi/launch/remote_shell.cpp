#include "mpi/launch/remote_shell.hpp"

#include <algorithm>
#include <sstream>

#include "mpi/launch/program.hpp"

namespace launch {

namespace {

struct Launcher {
    const char* name;
    bool direct;
    std::vector<std::string> words;
};

const std::vector<Launcher>& launchers() {
    static const std::vector<Launcher> all = {
        {"ssh",
         false,
         {"ssh", "-x", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o",
          "LogLevel=ERROR"}},
        {"rsh", false, {"rsh"}},
        // A step of its own that shares the job's CPUs, and passes every byte on as it comes.
        {"slurm",
         true,
         {"srun", "--nodes=1", "--ntasks=1", "--overlap", "--mpi=none", "--cpu-bind=none",
          "--unbuffered", "--quiet", "--nodelist"}},
        {"lsf", true, {"blaunch"}},
        {"sge", true, {"qrsh", "-inherit", "-V"}},
        // Every host is this one: for trying things out.
        {"fork", true, {"sh", "-c", "shift; exec \"$@\"", "sh"}},
    };
    return all;
}

const Launcher* find_launcher(const std::string& name) {
    for (const Launcher& launcher : launchers()) {
        if (name == launcher.name) return &launcher;
    }
    return nullptr;
}

bool installed(const std::string& program, const char* path) {
    return find_program(program, "", path).exit_status == 0;
}

/// Open MPI's "ssh : rsh": the first that is there.
std::vector<std::string> words_of_agent(const std::string& agents, const char* path) {
    std::vector<std::string> first;
    std::stringstream stream(agents);
    for (std::string agent; std::getline(stream, agent, ':');) {
        std::vector<std::string> words;
        if (!split_words(agent, &words) || words.empty()) continue;
        if (installed(words.front(), path)) return words;
        if (first.empty()) first = words;
    }
    return first;
}

RemoteShell shell_of(const Launcher& launcher, const std::string& program) {
    RemoteShell shell;
    shell.words = launcher.words;
    shell.direct = launcher.direct;
    if (!program.empty()) shell.words.front() = program;
    return shell;
}

}  // namespace

bool is_launcher(const std::string& name) {
    return find_launcher(name) != nullptr;
}

RemoteShell choose_shell(const ShellOptions& options, const std::string& manager,
                         const char* (*lookup)(const char* name)) {
    const auto value = [&](const char* name) {
        const char* text = lookup(name);
        return std::string(text == nullptr ? "" : text);
    };
    const char* path = lookup("PATH");
    const Launcher& usual = launchers().front();
    const auto chosen = [&](const std::string& name, const std::string& program) {
        const Launcher* launcher = find_launcher(name);
        return shell_of(launcher == nullptr ? usual : *launcher, program);
    };
    if (!options.launcher.empty() || !options.launcher_exec.empty()) {
        return chosen(options.launcher, options.launcher_exec);
    }
    RemoteShell shell;
    shell.words = words_of_agent(options.agent, path);
    if (!shell.words.empty()) return shell;
    if (split_words(value("FATHOM_RSH"), &shell.words) && !shell.words.empty()) return shell;
    shell.words = words_of_agent(value("OMPI_MCA_plm_rsh_agent"), path);
    if (!shell.words.empty()) return shell;
    std::string name = value("HYDRA_LAUNCHER");
    if (name.empty()) name = value("HYDRA_BOOTSTRAP");
    std::string program = value("HYDRA_LAUNCHER_EXEC");
    if (program.empty()) program = value("HYDRA_BOOTSTRAP_EXEC");
    if (!program.empty() || find_launcher(name) != nullptr) return chosen(name, program);
    const Launcher* batch = find_launcher(manager);
    const bool there = batch != nullptr && installed(batch->words.front(), path);
    return shell_of(there ? *batch : usual, "");
}

}  // namespace launch
