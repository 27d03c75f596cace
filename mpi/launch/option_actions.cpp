#include "mpi/launch/option_actions.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <sstream>

#include "adi/base/number.hpp"

namespace launch {

namespace {

constexpr int kMaxTimeoutS = 1 << 30;
constexpr int kMaxFabricRanks = 256;  // FM_MAX_NODES

/// An option of fm-fabric, from the word that mpirun knows it by.
std::string fabric_word(const std::string& word) {
    return "--" + (word.starts_with("fm-") ? word.substr(3) : word);
}

bool is_variable_name(const std::string& name) {
    return !name.empty() && name.find('=') == std::string::npos;
}

std::vector<std::string> split_commas(const std::string& list) {
    std::vector<std::string> parts;
    std::stringstream stream(list);
    std::string part;
    while (std::getline(stream, part, ',')) {
        if (!part.empty()) parts.push_back(part);
    }
    return parts;
}

std::pair<std::string, std::string> make_assignment(const std::string& first,
                                                    const std::string& second) {
    const std::size_t equals = first.find('=');
    std::pair<std::string, std::string> assignment{first.substr(0, equals), second};
    if (equals != std::string::npos) assignment.second = first.substr(equals + 1);
    if (!is_variable_name(assignment.first)) mistake("\"" + first + "\" names no variable");
    return assignment;
}

}  // namespace

void mistake(const std::string& text) {
    throw Stop{kUsageError, text};
}

int parse_count(const std::string& option, const std::string& text) {
    const auto count = adi::parse_number_within<int>(text, 1, kMaxRanks);
    if (!count) {
        mistake(option + " takes a number from 1 to " + std::to_string(kMaxRanks) + ", not \"" +
                text + "\"");
    }
    return *count;
}

int parse_seconds(const std::string& text, const std::string& where) {
    const auto seconds = adi::parse_number<double>(text);
    if (!seconds || !(*seconds >= 0) || *seconds > kMaxTimeoutS) {
        mistake(where + " takes a number of seconds, not \"" + text + "\"");
    }
    return static_cast<int>(std::ceil(*seconds));
}

void OptionActions::warn(const std::string& text) {
    if (warned_.insert(text).second) options_.warnings.push_back(text);
}

bool OptionActions::apply_environment(Action action, const std::string& first,
                                      const std::string& second, Program* program) {
    using Inherit = EnvironmentPolicy::Inherit;
    EnvironmentPolicy& all = options_.environment;
    switch (action) {
        case Action::set_for_all: all.assignments.push_back(make_assignment(first, second)); break;
        case Action::all_for_all: all.inherit = Inherit::all; break;
        case Action::none_for_all: all.inherit = Inherit::none; break;
        case Action::list_for_all:
            all.inherit = Inherit::listed;
            all.listed = split_commas(first);
            break;
        case Action::set_for_one:
            program->assignments.push_back(make_assignment(first, second));
            break;
        case Action::all_for_one: program->inherit = Inherit::all; break;
        case Action::none_for_one: program->inherit = Inherit::none; break;
        case Action::list_for_one:
            program->inherit = Inherit::listed;
            program->listed = split_commas(first);
            break;
        case Action::export_name: apply_export(first); break;
        default: return false;
    }
    return true;
}

void OptionActions::apply_export(const std::string& text) {
    if (text.find('=') != std::string::npos) {
        options_.environment.assignments.push_back(make_assignment(text, ""));
        return;
    }
    const char* value = lookup_(text.c_str());
    if (value == nullptr) {
        warn("-x " + text + ": there is no such variable to pass on");
    } else {
        options_.environment.assignments.emplace_back(text, value);
    }
}

bool OptionActions::apply_output(Action action, const std::string& first) {
    constexpr std::string_view kNoCopy = ":nocopy";
    switch (action) {
        case Action::tag_output: options_.tag_output = true; break;
        case Action::timestamp_output: options_.timestamp_output = true; break;
        case Action::stdout_pattern: options_.stdout_pattern = first; break;
        case Action::stderr_pattern: options_.stderr_pattern = first; break;
        case Action::output_directory:
            options_.output_directory = first;
            if (first.ends_with(kNoCopy)) {
                options_.output_directory.resize(first.size() - kNoCopy.size());
                options_.output_copy = false;
            }
            if (options_.output_directory.empty()) mistake("--output-filename names no directory");
            break;
        case Action::stdin_target: apply_stdin(first); break;
        case Action::verbose: options_.verbose = true; break;
        default: return false;
    }
    return true;
}

void OptionActions::apply_stdin(const std::string& text) {
    if (text == "all") {
        options_.stdin_target = kStdinAll;
    } else if (text == "none") {
        options_.stdin_target = kStdinNone;
    } else if (const auto rank = adi::parse_number_within<int>(text, 0, kMaxRanks - 1)) {
        options_.stdin_target = *rank;
    } else {
        mistake("--stdin takes a rank, all or none, not \"" + text + "\"");
    }
}

void OptionActions::apply(const OptionWord& word, const std::string& first,
                          const std::string& second, Program* program) {
    const std::string name = std::string("-") + word.name;
    if (apply_environment(word.action, first, second, program)) return;
    if (apply_output(word.action, first)) return;
    if (apply_places(word, word.arguments == 0 ? word.preset : first)) return;
    if (apply_shell(word, first, second)) return;
    switch (word.action) {
        case Action::processes: program->processes = parse_count(name, first); break;
        case Action::directory: program->directory = first; break;
        case Action::timeout: options_.timeout_s = parse_seconds(first, "--timeout"); break;
        case Action::report_stuck:
            options_.report_stuck_s = parse_seconds(first, "--report-stuck");
            break;
        case Action::recovery: options_.recovery = true; break;
        case Action::no_recovery: options_.recovery = false; break;
        case Action::version: throw Stop{0, "mpirun (Fathom) " FATHOM_VERSION "\n"};
        case Action::help: throw Stop{0, help_text()};
        case Action::device: apply_device(name, first); break;
        case Action::fabric_value:
            options_.fabric.values.emplace_back(fabric_word(word.name), first);
            break;
        case Action::fabric_flag: options_.fabric.flags.push_back(fabric_word(word.name)); break;
        case Action::not_honoured:
            warn(name + (first.empty() ? "" : " " + first) + (second.empty() ? "" : " " + second) +
                 " is not honoured and has no effect");
            break;
        default: break;
    }
}

void OptionActions::apply_device(const std::string& option, const std::string& list) {
    const std::vector<std::string> built = split_commas(FATHOM_DEVICES);
    options_.devices = split_commas(list);
    for (const std::string& device : options_.devices) {
        if (std::find(built.begin(), built.end(), device) != built.end()) continue;
        mistake(option + " " + device + ": there is no such device; this build has " +
                FATHOM_DEVICES);
    }
    if (options_.devices.empty()) mistake(option + " names no device");
}

void OptionActions::settle_fabric() {
    const FabricOptions& fabric = options_.fabric;
    if (options_.wants_fabric()) {
        if (options_.total_processes() > kMaxFabricRanks) {
            mistake("a job on the emulated Myrinet has at most " + std::to_string(kMaxFabricRanks) +
                    " ranks, not " + std::to_string(options_.total_processes()));
        }
        return;
    }
    if (fabric.values.empty() && fabric.flags.empty()) return;
    std::string word = fabric.values.empty() ? fabric.flags[0] : fabric.values[0].first;
    if (word != "--fabric") word.insert(2, "fm-");
    mistake(word + " is for the emulated Myrinet: add --device fm");
}

void OptionActions::settle_environment() {
    if (options_.timeout_s == 0) {
        const char* text = lookup_("MPIEXEC_TIMEOUT");
        if (text != nullptr && *text != '\0') {
            options_.timeout_s = parse_seconds(text, "the variable MPIEXEC_TIMEOUT");
        }
    }
    if (const char* text = lookup_("FATHOM_DEVICE"); options_.devices.empty() && text != nullptr) {
        if (*text != '\0') apply_device("the variable FATHOM_DEVICE:", text);
    }
}

Options OptionActions::settle() {
    if (options_.programs.empty()) mistake("no program is named; try mpirun --help");
    settle_environment();
    settle_hosts();
    settle_counts();
    settle_fabric();
    const int total = options_.total_processes();
    if (total > kMaxRanks) mistake("more than " + std::to_string(kMaxRanks) + " processes");
    if (!options_.fill_places && options_.stdin_target >= total) {
        mistake("--stdin names rank " + std::to_string(options_.stdin_target) +
                ", but the ranks go from 0 to " + std::to_string(total - 1));
    }
    return std::move(options_);
}

}  // namespace launch
