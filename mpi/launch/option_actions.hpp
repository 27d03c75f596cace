// What each option of mpirun does to the description of the job.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mpi/launch/option_table.hpp"
#include "mpi/launch/options.hpp"

namespace launch {

/// What stops the parsing: --help, --version, or a mistake. Never leaves parse_options.
struct Stop {
    int status;
    std::string text;
};

[[noreturn]] void mistake(const std::string& text);

/// A number of processes; `option` is what a mistake is reported for.
int parse_count(const std::string& option, const std::string& text);

/// Seconds, as a whole number or a fraction, rounded up.
int parse_seconds(const std::string& text, const std::string& where);

/// Collects options in the order of the command line; a later one overrides an earlier one. What
/// makes no sense ends in mistake().
class OptionActions {
  public:
    using Lookup = const char* (*)(const char* name);

    explicit OptionActions(Lookup lookup) : lookup_(lookup) {}

    /// Everything but -configfile. `first` and `second` are the option's words, as many as it
    /// takes; `program` is the one that it stands before.
    void apply(const OptionWord& word, const std::string& first, const std::string& second,
               Program* program);

    void add_program(Program program) { options_.programs.push_back(std::move(program)); }
    std::size_t programs() const { return options_.programs.size(); }

    /// After the last option: the environment's say, what follows from several options together,
    /// and whether they agree.
    Options settle();

  private:
    bool apply_environment(Action action, const std::string& first, const std::string& second,
                           Program* program);
    bool apply_output(Action action, const std::string& first);
    void apply_export(const std::string& text);
    void apply_stdin(const std::string& text);
    void apply_device(const std::string& option, const std::string& list);
    void settle_environment();
    void settle_fabric();
    void warn(const std::string& text);

    // option_places.cpp
    bool apply_places(const OptionWord& word, const std::string& first);
    bool apply_shell(const OptionWord& word, const std::string& first, const std::string& second);
    void apply_policy(const std::string& option, const std::string& word,
                      bool (*parse)(const std::string&, PlacePolicy*, std::string*));
    void apply_tuning(const std::string& name, const std::string& value);
    void settle_hosts();
    void settle_counts();

    Lookup lookup_;
    Options options_;
    std::set<std::string> warned_;
    std::vector<HostEntry> named_hosts_, file_hosts_;  // by -host, and by -hostfile
    std::string manager_;                              // -rmk
};

}  // namespace launch
