#include "mpi/launch/options.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "adi/base/host.hpp"
#include "mpi/launch/environment.hpp"
#include "mpi/launch/fake_environment.hpp"
#include "mpi/launch/hosts.hpp"
#include "mpi/launch/option_table.hpp"

namespace launch {
namespace {

// Words are parted by blanks; that is enough for these tests.
ParsedCommandLine parse(const std::string& line) {
    std::vector<std::string> words;
    std::stringstream stream(line);
    for (std::string word; stream >> word;) words.push_back(word);
    return parse_options(words, fake_lookup);
}

Options parse_well(const std::string& line) {
    const ParsedCommandLine parsed = parse(line);
    EXPECT_FALSE(parsed.exit_status) << line << ": " << parsed.text;
    return parsed.options;
}

TEST(Options, OneProgram) {
    const Options options = parse_well("-np 4 ./prog -n 9 --np x");
    ASSERT_EQ(options.programs.size(), 1U);
    EXPECT_EQ(options.programs[0].processes, 4);
    EXPECT_EQ(options.programs[0].argv,
              (std::vector<std::string>{"./prog", "-n", "9", "--np", "x"}));
    EXPECT_EQ(options.total_processes(), 4);
}

TEST(Options, SeveralPrograms) {
    const Options options = parse_well("-genv A 1 -n 1 -env B 2 -wdir d a : -n 2 b x : c");
    ASSERT_EQ(options.programs.size(), 3U);
    EXPECT_EQ(options.total_processes(), 4);
    EXPECT_EQ(options.programs[0].directory, "d");
    EXPECT_EQ(options.programs[0].assignments.size(), 1U);
    EXPECT_TRUE(options.programs[1].assignments.empty());
    EXPECT_EQ(options.programs[1].argv.size(), 2U);
    EXPECT_EQ(options.environment.assignments.size(), 1U);
}

TEST(Options, DashesAndAbbreviations) {
    EXPECT_TRUE(parse_well("-tag-output a").tag_output);
    EXPECT_TRUE(parse_well("--l a").tag_output);
    EXPECT_TRUE(parse_well("--times a").timestamp_output);
    EXPECT_EQ(parse_well("--timeout=1.2 a").timeout_s, 2);
    EXPECT_EQ(parse_well("-np3 a").total_processes(), 3);
    EXPECT_EQ(parse_well("-- a -n 3").total_processes(), 1);
}

TEST(Options, CountFromPlaces) {
    EXPECT_EQ(parse_well("-host localhost:3 a").total_processes(), 3);
    EXPECT_EQ(parse_well("-ppn 5 a").total_processes(), 5);
    EXPECT_EQ(parse_well("-host localhost:3 -n 2 a").total_processes(), 2);
    EXPECT_EQ(parse_well("-host localhost a").total_processes(), 1);
}

TEST(Options, PlacesInBothDialects) {
    PlacePolicy places = parse_well("--map-by ppr:2:socket:PE=3,SPAN --bind-to core a").places;
    EXPECT_EQ(places.map_by, Level::socket);
    EXPECT_EQ(places.per_part, 2);
    EXPECT_EQ(places.cpus_per_rank, 3);
    EXPECT_TRUE(places.span);
    EXPECT_EQ(places.bind_to, Level::core);
    places = parse_well("-bind-to core:2 -map-by socket --rank-by node:fill a").places;
    EXPECT_EQ(places.bind_parts, 2);
    EXPECT_EQ(places.map_by, Level::socket);
    EXPECT_EQ(places.rank_by, Level::node);
    places = parse_well("-bind-to user:0+2,1 a").places;
    EXPECT_EQ(places.bind_user, (std::vector<std::vector<int>>{{0, 2}, {1}}));
    places = parse_well("--npersocket 4 --cpu-set 0-2,5 --nooversubscribe a").places;
    EXPECT_EQ(places.per_part, 4);
    EXPECT_EQ(places.cpu_set, (std::vector<int>{0, 1, 2, 5}));
    EXPECT_EQ(places.oversubscribe, false);
    places = parse_well("--map-by :OVERSUBSCRIBE --bynode --bind-to-core a").places;
    EXPECT_EQ(places.map_by, Level::node);
    EXPECT_EQ(places.bind_to, Level::core);
    EXPECT_EQ(places.oversubscribe, true);
    EXPECT_FALSE(parse_well("--map-by node -ppn 2 --bind-to none a").places.needs_machine());
    EXPECT_TRUE(parse_well("--npersocket 4 a").fill_places);
    EXPECT_EQ(parse_well("-pernode -host a,b a").total_processes(), 2);
    fake_environment["HYDRA_TOPO_DEBUG"] = "1";
    EXPECT_TRUE(parse_well("a").places.report);
    fake_environment.clear();
    EXPECT_FALSE(parse_well("--npersocket 4 -n 3 a").fill_places);
}

TEST(Options, OpenMpisParameters) {
    const Options options =
        parse_well("--mca plm_rsh_agent rsh --mca btl_tcp_if_include eth1 --mca coll x a");
    EXPECT_EQ(options.shell.agent, "rsh");
    EXPECT_EQ(options.environment.assignments[0],
              (std::pair<std::string, std::string>("FATHOM_TCP_INTERFACE", "eth1")));
    ASSERT_EQ(options.warnings.size(), 1U);
    EXPECT_NE(options.warnings[0].find("-mca coll x"), std::string::npos);
}

TEST(Options, HostFilesAndLists) {
    const std::string path = ::testing::TempDir() + "fathom-options-hosts";
    std::ofstream(path) << "a slots=4\nb slots=2\nc\n";
    EXPECT_EQ(parse_well("-f " + path + " -n 3 x").hosts.size(), 3U);
    EXPECT_TRUE(parse_well("-f " + path + " x").fill_places);
    const Options few = parse_well("-hostfile " + path + " --host b:1,a x");
    ASSERT_EQ(few.hosts.size(), 2U);
    EXPECT_EQ(few.hosts[0].name, "b");
    EXPECT_EQ(few.total_processes(), 5);
    EXPECT_EQ(parse("-f " + path + " -host d x").exit_status, kUsageError);
    fake_environment["HYDRA_HOST_FILE"] = path;
    EXPECT_EQ(parse_well("-n 1 x").hosts.size(), 3U);
    EXPECT_EQ(parse_well("-n 1 -host z x").hosts.size(), 1U);
    fake_environment = {{"SLURM_JOB_NODELIST", "n[1-3]"}, {"SLURM_TASKS_PER_NODE", "2(x2),1"}};
    EXPECT_EQ(parse_well("x").total_processes(), 5);
    EXPECT_EQ(parse_well("x").manager, "slurm");
    EXPECT_TRUE(parse_well("-rmk none x").hosts.empty());
    EXPECT_EQ(parse_well("-host z x").manager, "");
    fake_environment.clear();
    std::remove(path.c_str());
}

TEST(Options, Environment) {
    fake_environment = {{"HERE", "value"}, {"MPIEXEC_TIMEOUT", "7"}};
    const Options options = parse_well("-x HERE -x GONE -x NEW=1 -genv Q=2 a");
    EXPECT_EQ(options.timeout_s, 7);
    EXPECT_EQ(parse_well("--timeout 3 a").timeout_s, 3);
    EXPECT_EQ(parse_well("--report-stuck 4 a").report_stuck_s, 4);
    EXPECT_EQ(parse_well("a").report_stuck_s, 0);
    EXPECT_FALSE(parse_well("a").recovery);
    EXPECT_TRUE(parse_well("--enable-recovery a").recovery);
    EXPECT_TRUE(parse_well("-disable-auto-cleanup a").recovery);
    EXPECT_FALSE(parse_well("--enable-recovery --disable-recovery a").recovery);
    ASSERT_EQ(options.environment.assignments.size(), 3U);
    EXPECT_EQ(options.environment.assignments[0].second, "value");
    ASSERT_EQ(options.warnings.size(), 1U);
    EXPECT_NE(options.warnings[0].find("GONE"), std::string::npos);
    fake_environment.clear();
}

TEST(Options, MistakesAreSentences) {
    for (const char* line : {"",
                             "-n",
                             "-n 0 a",
                             "-n -1 a",
                             "-n 99999999999 a",
                             "a : ",
                             ": a",
                             "a : : b",
                             "-genv A",
                             "-genv = x a",
                             "--bogus a",
                             "-configfile /no/such",
                             "--stdin x a",
                             "--timeout -1 a",
                             "--timeout nan a",
                             "-host , a",
                             "--verbose=3 a",
                             "-host localhost:x a",
                             "--map-by moon a",
                             "--map-by ppr:2 a",
                             "--map-by core:PE=0 a",
                             "--bind-to slot a",
                             "--bind-to core:moon a",
                             "--bind-to user:x a",
                             "--rank-by core:moon a",
                             "--cpu-set 3-1 a",
                             "--start-timeout x a",
                             "--device token-ring a",
                             "--device , a",
                             "--fabric f a",
                             "--device shm --fm-report a",
                             "-n 257 --device fm a",
                             "--output-filename :nocopy a"}) {
        const ParsedCommandLine parsed = parse(line);
        EXPECT_EQ(parsed.exit_status, kUsageError) << line;
        EXPECT_TRUE(parsed.text.starts_with("mpirun: ")) << parsed.text;
        EXPECT_TRUE(parsed.text.ends_with("\n"));
    }
}

TEST(Options, TheHelpNamesTheDevicesOfThisBuild) {
    const std::string mistake = parse("--device token-ring a").text;
    const std::string before = "this build has ";
    const std::size_t at = mistake.find(before);
    ASSERT_NE(at, std::string::npos) << mistake;
    std::string devices = mistake.substr(at + before.size());
    devices = devices.substr(0, devices.find('\n'));
    EXPECT_TRUE(devices.ends_with(",tcp")) << devices;
    EXPECT_NE(help_text().find("what messages go by: of " + devices + '\n'), std::string::npos);
}

TEST(Options, Devices) {
    EXPECT_TRUE(parse_well("a").devices.empty());
    EXPECT_FALSE(parse_well("--device self,shm a").wants_fabric());
    const Options options =
        parse_well("--device fm --fabric f.txt --fm-machine ppro200 --fm-report -n 256 a");
    EXPECT_TRUE(options.wants_fabric());
    EXPECT_EQ(options.devices, std::vector<std::string>{"fm"});
    const std::vector<std::pair<std::string, std::string>> values{{"--fabric", "f.txt"},
                                                                  {"--machine", "ppro200"}};
    EXPECT_EQ(options.fabric.values, values);
    EXPECT_EQ(options.fabric.flags, std::vector<std::string>{"--report"});
    fake_environment["FATHOM_DEVICE"] = "self,fm";
    EXPECT_TRUE(parse_well("a").wants_fabric());
    EXPECT_FALSE(parse_well("--device shm a").wants_fabric());
    fake_environment["FATHOM_DEVICE"] = "smoke,signals";
    EXPECT_EQ(parse("a").exit_status, kUsageError);
    fake_environment.clear();
}

// Every word of the table parses with the arguments that it takes, and is never taken for another.
TEST(Options, EveryWordOfTheTable) {
    std::map<std::string, int> seen;
    for (const OptionWord& word : option_words()) {
        EXPECT_EQ(seen[word.name]++, 0) << word.name << " stands twice";
        std::string line = std::string("--") + word.name;
        switch (word.action) {
            case Action::config_file: continue;
            case Action::host_file: continue;
            case Action::hosts: line += " localhost"; break;
            case Action::device: line += " shm"; break;
            case Action::map_by:
            case Action::rank_by:
            case Action::bind_to: line += word.arguments > 0 ? " core" : ""; break;
            case Action::launcher: line += " rsh"; break;
            case Action::manager: line += " none"; break;
            case Action::tuning: line += " plm_rsh_agent rsh"; break;
            case Action::display: line += " map"; break;
            case Action::fabric_value: line += " 1 --device fm"; break;
            case Action::fabric_flag: line += " --device fm"; break;
            case Action::set_for_all:
            case Action::set_for_one: line += " A 1"; break;
            default: line += word.arguments > 0 ? " 1" : ""; break;
        }
        if (word.arguments == 2 && word.action == Action::not_honoured) line += " 1";
        const ParsedCommandLine parsed = parse(line + " -n 3 program");
        if (word.action == Action::help || word.action == Action::version) {
            EXPECT_EQ(parsed.exit_status, 0);
            continue;
        }
        EXPECT_FALSE(parsed.exit_status) << line << ": " << parsed.text;
        EXPECT_EQ(parsed.options.total_processes(), 3) << line;
        const bool warned = !parsed.options.warnings.empty();
        EXPECT_TRUE(warned || word.action != Action::not_honoured) << line;
        EXPECT_FALSE(warned && word.action == Action::accepted) << line;
    }
}

TEST(Options, SuggestsTheNearestWord) {
    EXPECT_EQ(nearest_option("tagoutput"), "tag-output");
    EXPECT_EQ(nearest_option("hostfle"), "hostfile");
    EXPECT_EQ(nearest_option("overscribe"), "oversubscribe");
    EXPECT_EQ(nearest_option("zzzzzzzzzz"), "");
    EXPECT_EQ(nearest_option(std::string(1000, 'x')), "");
}

TEST(Options, ConfigurationFile) {
    const std::string path = ::testing::TempDir() + "fathom-options-test";
    std::ofstream(path) << "# comment\n-genv A '1 2' -n 2 a \"b c\" # end\n\n-n 1 d\\ e\n";
    const Options options = parse_well("-l -configfile " + path);
    ASSERT_EQ(options.programs.size(), 2U);
    EXPECT_TRUE(options.tag_output);
    EXPECT_EQ(options.programs[0].argv, (std::vector<std::string>{"a", "b c"}));
    EXPECT_EQ(options.programs[1].argv, (std::vector<std::string>{"d e"}));
    EXPECT_EQ(options.environment.assignments[0].second, "1 2");
    // The command line goes on after the file.
    EXPECT_EQ(parse_well("-configfile " + path + " -n 5 z").total_processes(), 8);
    std::ofstream(path) << "-n 2 'open\n";
    EXPECT_EQ(parse("-configfile " + path).exit_status, kUsageError);
    std::ofstream(path) << "-configfile " << path << "\n";
    EXPECT_EQ(parse("-configfile " + path).exit_status, kUsageError);
    std::ofstream(path) << "\n# nothing\n";
    EXPECT_EQ(parse("-configfile " + path).exit_status, kUsageError);
    std::remove(path.c_str());
}

TEST(Hosts, TellsThisHostFromOthers) {
    for (const char* name : {"localhost", "127.0.0.1", "LOCALHOST", "::1"}) {
        EXPECT_TRUE(is_this_host(name)) << name;
    }
    EXPECT_TRUE(is_this_host(adi::host_name()));
    for (const char* name : {"elsewhere", "192.0.2.1", "", "localhost.elsewhere.example.x"}) {
        EXPECT_FALSE(is_this_host(name)) << name;
    }
}

TEST(Environment, FollowsThePolicy) {
    const char* inherited[] = {"A=1", "B=2", "PMI_FD=9", "PMI_RANK=1", "ODD", nullptr};
    EnvironmentPolicy policy;
    Program program;
    EXPECT_EQ(make_environment(inherited, policy, program),
              (std::vector<std::string>{"A=1", "B=2", "ODD"}));
    policy.assignments = {{"B", "3"}, {"C", "4"}};
    program.assignments = {{"C", "5"}};
    EXPECT_EQ(make_environment(inherited, policy, program),
              (std::vector<std::string>{"A=1", "ODD", "B=3", "C=5"}));
    policy.inherit = EnvironmentPolicy::Inherit::listed;
    policy.listed = {"A", "PMI_FD"};
    EXPECT_EQ(make_environment(inherited, policy, program),
              (std::vector<std::string>{"A=1", "B=3", "C=5"}));
    program.inherit = EnvironmentPolicy::Inherit::none;
    EXPECT_EQ(make_environment(inherited, policy, program),
              (std::vector<std::string>{"B=3", "C=5"}));
}

}  // namespace
}  // namespace launch
