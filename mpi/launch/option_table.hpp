// The table of mpirun's options: each word once, with what it takes and what it means.
#pragma once

#include <span>

namespace launch {

/// What an option does. Several words may mean the same.
enum class Action {
    processes,
    directory,
    set_for_all,   // -genv NAME VALUE
    list_for_all,  // -genvlist
    all_for_all,   // -genvall
    none_for_all,  // -genvnone
    set_for_one,   // -env NAME VALUE
    list_for_one,  // -envlist
    all_for_one,   // -envall
    none_for_one,  // -envnone
    export_name,   // -x NAME[=VALUE]
    tag_output,
    timestamp_output,
    output_directory,
    stdout_pattern,
    stderr_pattern,
    timeout,
    report_stuck,
    recovery,
    no_recovery,
    stdin_target,
    config_file,
    version,
    help,
    verbose,
    per_host,
    hosts,
    host_file,
    cpus_per_rank,
    per_part,  // N ranks on each of the preset word's parts
    map_by,
    rank_by,
    bind_to,
    cpu_set,
    oversubscribe,
    nooversubscribe,
    use_hwthreads,
    report_bindings,
    display_map,
    display,
    manager,
    launcher,
    launcher_exec,
    prefix,
    start_timeout,
    interface,
    tuning,  // --mca NAME VALUE
    device,
    fabric_value,  // an option of fm-fabric with a value, and one without
    fabric_flag,
    accepted,     // means nothing here, or is what mpirun does anyway
    not_honoured  // a tuning word of another launcher: warn and go on
};

struct OptionWord {
    const char* name;  // without dashes; one and two are the same
    int arguments;     // 0, 1 or 2
    Action action;
    const char* preset = "";  // the argument of an option that takes none
};

/// All of them; the span lives for ever.
std::span<const OptionWord> option_words();

}  // namespace launch
