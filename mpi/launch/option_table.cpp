#include "mpi/launch/option_table.hpp"

#include <string>

#include "mpi/launch/options.hpp"

namespace launch {

namespace {

constexpr OptionWord kWords[] = {
    {"n", 1, Action::processes},
    {"np", 1, Action::processes},
    {"c", 1, Action::processes},
    {"wdir", 1, Action::directory},
    {"wd", 1, Action::directory},
    {"genv", 2, Action::set_for_all},
    {"genvlist", 1, Action::list_for_all},
    {"genvall", 0, Action::all_for_all},
    {"genvnone", 0, Action::none_for_all},
    {"env", 2, Action::set_for_one},
    {"envlist", 1, Action::list_for_one},
    {"envall", 0, Action::all_for_one},
    {"envnone", 0, Action::none_for_one},
    {"x", 1, Action::export_name},
    {"l", 0, Action::tag_output},
    {"tag-output", 0, Action::tag_output},
    {"prepend-rank", 0, Action::tag_output},
    {"timestamp-output", 0, Action::timestamp_output},
    {"output-filename", 1, Action::output_directory},
    {"outfile-pattern", 1, Action::stdout_pattern},
    {"outfile", 1, Action::stdout_pattern},
    {"errfile", 1, Action::stderr_pattern},
    {"errfile-pattern", 1, Action::stderr_pattern},
    {"timeout", 1, Action::timeout},
    {"report-stuck", 1, Action::report_stuck},
    {"report-state-on-timeout", 0, Action::accepted},
    {"enable-recovery", 0, Action::recovery},
    {"disable-auto-cleanup", 0, Action::recovery},
    {"disable-recovery", 0, Action::no_recovery},
    {"enable-auto-cleanup", 0, Action::no_recovery},
    {"stdin", 1, Action::stdin_target},
    {"s", 1, Action::stdin_target},
    {"configfile", 1, Action::config_file},
    {"app", 1, Action::config_file},
    {"version", 0, Action::version},
    {"V", 0, Action::version},
    {"help", 0, Action::help},
    {"h", 0, Action::help},
    {"verbose", 0, Action::verbose},
    {"v", 0, Action::verbose},
    {"ppn", 1, Action::per_host},
    {"perhost", 1, Action::per_host},
    {"npernode", 1, Action::per_host},
    {"N", 1, Action::per_host},
    {"pernode", 0, Action::per_host, "1"},
    {"host", 1, Action::hosts},
    {"hosts", 1, Action::hosts},
    {"H", 1, Action::hosts},
    {"f", 1, Action::host_file},
    {"hostfile", 1, Action::host_file},
    {"machinefile", 1, Action::host_file},
    {"machine", 1, Action::host_file},
    {"default-hostfile", 1, Action::host_file},
    {"device", 1, Action::device},
    {"fabric", 1, Action::fabric_value},
    {"fm-boards", 1, Action::fabric_value},
    {"fm-machine", 1, Action::fabric_value},
    {"fm-faults", 1, Action::fabric_value},
    {"fm-trace", 1, Action::fabric_value},
    {"fm-report", 0, Action::fabric_flag},
    {"fm-profile", 0, Action::fabric_flag},
    {"fm-map", 0, Action::fabric_flag},
    {"bind-to", 1, Action::bind_to},
    {"binding", 1, Action::bind_to},
    {"bind-to-core", 0, Action::bind_to, "core"},
    {"bind-to-socket", 0, Action::bind_to, "socket"},
    {"bind-to-none", 0, Action::bind_to, "none"},
    {"map-by", 1, Action::map_by},
    {"bynode", 0, Action::map_by, "node"},
    {"byslot", 0, Action::map_by, "slot"},
    {"bycore", 0, Action::map_by, "core"},
    {"bysocket", 0, Action::map_by, "socket"},
    {"rr", 0, Action::map_by, "node"},
    {"npersocket", 1, Action::per_part, "socket"},
    {"rank-by", 1, Action::rank_by},
    {"cpus-per-proc", 1, Action::cpus_per_rank},
    {"cpus-per-rank", 1, Action::cpus_per_rank},
    {"cpu-set", 1, Action::cpu_set},
    {"cpu-list", 1, Action::cpu_set},
    {"oversubscribe", 0, Action::oversubscribe},
    {"nooversubscribe", 0, Action::nooversubscribe},
    {"use-hwthread-cpus", 0, Action::use_hwthreads},
    {"report-bindings", 0, Action::report_bindings},
    {"display-map", 0, Action::display_map},
    {"display-devel-map", 0, Action::display_map},
    {"display-allocation", 0, Action::display_map},
    {"display", 1, Action::display},
    {"rmk", 1, Action::manager},
    {"launcher", 1, Action::launcher},
    {"bootstrap", 1, Action::launcher},
    {"launcher-exec", 1, Action::launcher_exec},
    {"bootstrap-exec", 1, Action::launcher_exec},
    {"prefix", 1, Action::prefix},
    {"start-timeout", 1, Action::start_timeout},
    {"iface", 1, Action::interface},
    {"mca", 2, Action::tuning},
    {"gmca", 2, Action::tuning},
    {"omca", 2, Action::tuning},
    {"pmca", 2, Action::tuning},
    {"prtemca", 2, Action::tuning},
    {"pmixmca", 2, Action::tuning},
    {"gpmixmca", 2, Action::tuning},
    // What mpirun does anyway, or what means nothing here.
    {"allow-run-as-root", 0, Action::accepted},
    {"q", 0, Action::accepted},
    {"quiet", 0, Action::accepted},
    {"local", 0, Action::accepted},
    {"hetero-nodes", 0, Action::accepted},
    {"novm", 0, Action::accepted},
    {"leave-session-attached", 0, Action::accepted},
    {"order-nodes", 1, Action::accepted},
    {"disable-hostname-propagation", 0, Action::accepted},
    {"localhost", 1, Action::accepted},
    {"enable-x", 0, Action::accepted},
    {"disable-x", 0, Action::accepted},
    {"topolib", 1, Action::accepted},
    {"demux", 1, Action::accepted},
    {"nolocal", 0, Action::not_honoured},
    // Tuning words of other launchers.
    {"am", 1, Action::not_honoured},
    {"loadbalance", 0, Action::not_honoured},
    {"prepend-pattern", 1, Action::not_honoured},
    {"skip-launch-node", 0, Action::not_honoured},
    {"nameserver", 1, Action::not_honoured},
    {"dac", 0, Action::not_honoured},
    {"report-pid", 1, Action::not_honoured},
    {"report-uri", 1, Action::not_honoured},
    {"ompi-server", 1, Action::not_honoured},
    {"preload-binary", 0, Action::not_honoured},
    {"preload-files", 1, Action::not_honoured},
    {"path", 1, Action::not_honoured},
    {"personality", 1, Action::not_honoured},
    {"stream-buffering", 1, Action::not_honoured},
    {"get-stack-traces", 0, Action::not_honoured},
    {"runtime-options", 1, Action::not_honoured},
    {"with-ft", 1, Action::not_honoured},
    {"tune", 1, Action::not_honoured},
    {"rankfile", 1, Action::not_honoured},
    {"rf", 1, Action::not_honoured},
    {"display-topo", 0, Action::not_honoured},
    {"merge-stderr-to-stdout", 0, Action::not_honoured},
    {"xml", 0, Action::not_honoured},
    {"usize", 1, Action::not_honoured},
    {"pmi-port", 0, Action::not_honoured},
    {"print-all-exitcodes", 0, Action::not_honoured},
    {"profile", 0, Action::not_honoured},
    {"info", 0, Action::version},
};

}  // namespace

std::span<const OptionWord> option_words() {
    return kWords;
}

std::string help_text() {
    return R"(usage: mpirun [options] program [arguments] [ : [options] program [arguments] ]...

Starts the ranks of an MPI job on this host, or on many. Any program may be started, MPI or not.
One dash or two make no difference.

What is started
  -n, -np, -c N           N processes (default 1; there may be more than cores)
  -wdir, -wd DIR          working directory
  -configfile, --app FILE options and programs from a file, a program a line
  --device LIST           what messages go by: of )" FATHOM_DEVICES R"(
                          (default: shm in a host, the fastest network between hosts)
Where it runs
  -host, -hosts, -H LIST  hosts, such as a,b:4 (four ranks there), n[1-8]:2, [fe80::1]:2
  -hostfile, -machinefile, -f FILE
                          hosts, one a line: name slots=N max_slots=N, or name:N; with -host
                          too, those of the file that -host names. Without either: those of
                          Slurm, LSF, PBS or SGE (-rmk none: not), or this one
  -ppn, -npernode, -N N   N ranks on each host
  --map-by WORD[:MOD]...  how ranks are spread: slot (fill hosts; the default), node (in turn),
                          socket, numa, l3cache, core, hwthread (those of a host in turn), or
                          ppr:N:WORD, N on each. MOD: PE=N (so many cores for each rank), SPAN
                          (over the parts of all hosts in turn), OVERSUBSCRIBE, NOOVERSUBSCRIBE
  --rank-by WORD[:SPAN]   how ranks are numbered: slot, node, socket, core ...
  --bind-to WORD[:MOD]    none (the default, unless --map-by names parts), core, socket, numa,
                          l3cache, hwthread, user:LIST. MOD: N (so many of them),
                          overload-allowed, if-supported
  --cpu-set LIST          use these cores only, such as 0-3,7
  --report-bindings       say what each rank is bound to; --display-map: which ranks are where
  -launcher NAME          how hosts are reached: ssh (the default), rsh, slurm, lsf, sge, fork;
                          -launcher-exec PROGRAM, or FATHOM_RSH: by this program
  --prefix DIR            where Fathom is installed on the other hosts
  --start-timeout S       how long a host may take to answer (default 30)
  -iface NAME             the network that ranks talk over
Environment
  -x NAME[=VALUE]         set or pass on a variable for all programs
  -genv NAME VALUE        set a variable for all programs; -env: for this program
  -genvlist A,B           pass on these variables only; -genvnone: none, -genvall: all
                          (the default); -envlist, -envnone, -envall: for this program
Fast Messages (--device fm: an emulated Myrinet is started, and ended after the job)
  --fabric FILE           its switches, boards and links (default: boards on switches of 16)
  --fm-boards N           boards of the default one (default 16)
  --fm-machine NAME       modelled time, with the constants of that machine
  --fm-faults SPEC        what goes wrong, such as drop=1e-3,corrupt=1e-4,seed=7
  --fm-trace FILE         write what happens, for ui.perfetto.dev
  --fm-map                the boards find their routes by themselves
  --fm-report             print its counters as JSON at the end; --fm-profile: more of them
Input and output
  -l, --tag-output        begin each line with its rank: [3] text
  --timestamp-output      begin each line with date and time
  --output-filename DIR   also write DIR/1/rank.R/stdout and stderr (DIR:nocopy: only there)
  -outfile-pattern P      write stdout to files instead; %r is the rank, %h the host,
                          %p the process id of mpirun; -errfile-pattern: stderr
  --stdin RANK|all|none   who reads mpirun's standard input (default: rank 0)
Control
  --timeout S             end the job after S seconds with exit status 124
                          (also from the variable MPIEXEC_TIMEOUT)
  --report-stuck S        say what the ranks do when one has waited for S seconds; SIGQUIT to
                          mpirun does so at once
  --enable-recovery       a rank's death does not end the job: the others get errors
  -v, --verbose           say what is started and how it ends
  --version, --help

Exit status: that of the first rank that failed; 128 + N when signal N ended it; 124 after a
timeout; 126 or 127 when a program cannot be run or is not there; 2 for a bad command line.
)";
}

}  // namespace launch
