// mpirun's command line: the words of MPICH's and of Open MPI's launcher, turned into one
// description of a job. Nothing here touches a process; what a person asked for and this version
// cannot do comes back as a warning, and what makes no sense as one sentence.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mpi/launch/place_policy.hpp"
#include "mpi/launch/plan.hpp"

namespace launch {

/// A host that the command line, a file or a batch system names.
struct HostEntry {
    std::string name;
    int slots = 0;      // 0: not said
    int max_slots = 0;  // 0: not said
};

/// The hosts that a batch system gave.
struct Allocation {
    std::string manager;  // slurm, lsf, pbs or sge; empty: none
    std::vector<HostEntry> hosts;
};

/// What is said of the remote shell; empty: nothing.
struct ShellOptions {
    std::string launcher;       // -launcher: ssh, rsh, slurm, lsf, sge or fork
    std::string launcher_exec;  // the program instead of its usual one
    std::string agent;          // --mca plm_rsh_agent
    std::string prefix;         // where Fathom is installed on other hosts
    int start_timeout_s = 30;
};

inline constexpr int kStdinAll = -1;
inline constexpr int kStdinNone = -2;

/// No job has more ranks than this; a larger number is a typing error.
inline constexpr int kMaxRanks = 1 << 20;

/// Which variables of mpirun's own environment a rank gets, and which are set on top.
struct EnvironmentPolicy {
    enum class Inherit { all, none, listed };
    Inherit inherit = Inherit::all;
    std::vector<std::string> listed;
    std::vector<std::pair<std::string, std::string>> assignments;  // in order; the last one holds
};

/// One of the `:`-separated programs.
struct Program {
    std::vector<std::string> argv;                      // never empty after parse_options
    std::optional<int> processes;                       // always there after parse_options
    std::string directory;                              // empty: mpirun's own
    std::optional<EnvironmentPolicy::Inherit> inherit;  // overrides the job's policy
    std::vector<std::string> listed;
    std::vector<std::pair<std::string, std::string>> assignments;
};

struct Options {
    std::vector<Program> programs;
    EnvironmentPolicy environment;
    bool tag_output = false;
    bool timestamp_output = false;
    bool verbose = false;
    std::string output_directory;  // --output-filename; empty: none
    bool output_copy = true;       // whether mpirun's own stdout and stderr get a copy of it
    std::string stdout_pattern;    // -outfile-pattern, -errfile-pattern; empty: none
    std::string stderr_pattern;
    int timeout_s = 0;                 // 0: none
    int report_stuck_s = 0;            // --report-stuck; 0: not
    bool recovery = false;             // a rank's death does not end the job
    std::vector<std::string> devices;  // --device; empty: whatever works
    FabricOptions fabric;
    std::vector<HostEntry> hosts;  // each once; empty: this one
    std::string hosts_from;        // who named them, for people
    std::string manager;           // of the allocation that they are from
    int per_host = 0;              // -ppn; 0: not said
    PlacePolicy places;
    bool fill_places = false;  // the only program has as many ranks as there are places
    bool display_map = false;
    ShellOptions shell;
    int stdin_target = 0;  // a rank, kStdinAll or kStdinNone
    std::vector<std::string> warnings;

    int total_processes() const;
    /// Is an emulated Myrinet to be started?
    bool wants_fabric() const;
};

/// What became of the command line: either `exit_status` is there, and `text` is to be printed (on
/// stdout when the status is 0, else on stderr), or `options` describes a job.
struct ParsedCommandLine {
    std::optional<int> exit_status;
    std::string text;
    Options options;
};

/// Exit status for a command line that makes no sense.
inline constexpr int kUsageError = 2;

/// Parses `words`, argv without argv[0]. `lookup` is getenv or a stand-in for it. Reads the files
/// that -configfile and -hostfile name, and those of a batch system.
ParsedCommandLine parse_options(const std::vector<std::string>& words,
                                const char* (*lookup)(const char* name));

/// Splits a line of a -configfile into words: blanks part them, '...' and "..." hold them together,
/// a backslash keeps the next character, `#` at the start of a word ends the line. False: a quote
/// is left open.
bool split_words(const std::string& line, std::vector<std::string>* words);

/// The known option that is nearest to `unknown` (without dashes), or empty when none is near.
std::string nearest_option(const std::string& unknown);

/// The text of --help.
std::string help_text();

}  // namespace launch
