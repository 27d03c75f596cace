// Lists of hosts, allocations of batch systems, and what reaches them.
#include "mpi/launch/hosts.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "mpi/launch/allocation.hpp"
#include "mpi/launch/fake_environment.hpp"
#include "mpi/launch/host_lists.hpp"
#include "mpi/launch/remote_shell.hpp"

namespace launch {
namespace {

/// "name:slots" of each.
std::vector<std::string> shown(const std::vector<HostEntry>& hosts) {
    std::vector<std::string> texts;
    for (const HostEntry& host : hosts)
        texts.push_back(host.name + ':' + std::to_string(host.slots));
    return texts;
}

using Texts = std::vector<std::string>;

class TextFile {
  public:
    explicit TextFile(const std::string& text) { std::ofstream(path) << text; }
    ~TextFile() { std::remove(path.c_str()); }
    const std::string path = ::testing::TempDir() + "fathom-hosts-test";
};

TEST(HostLists, NamesAndSlots) {
    std::string error;
    EXPECT_EQ(shown(parse_host_list("a,b:4,c.d,me@e:2", &error)),
              (Texts{"a:0", "b:4", "c.d:0", "me@e:2"}));
    EXPECT_EQ(shown(parse_host_list("[fe80::1%eth0]:2,::1,[::2]", &error)),
              (Texts{"fe80::1%eth0:2", "::1:0", "::2:0"}));
    EXPECT_EQ(shown(parse_host_list("n[1-2,07]:3,r[0-1]c[8-9]", &error)),
              (Texts{"n1:3", "n2:3", "n07:3", "r0c8:0", "r0c9:0", "r1c8:0", "r1c9:0"}));
    EXPECT_EQ(error, "");
    for (const char* bad : {"", ",", "a:0", "a:x", "-a", "a b", "a;b", "a[1-2", "a]1[", "a[2-1]",
                            "a[]", "a[1-99999999]", "a[1-999][1-999]", "[::1]x", "[a]:2", "@a",
                            "me@-oProxyCommand", "a\nb", "a:1048577"}) {
        error.clear();
        EXPECT_TRUE(parse_host_list(bad, &error).empty() && !error.empty()) << bad;
    }
    EXPECT_TRUE(parse_host_list("me@a@-oProxyCommand=x", &error).empty())
        << "ssh splits at the last @";
    EXPECT_EQ(shown(parse_host_list("me@a@b", &error)), (Texts{"me@a@b:0"}));
}

TEST(HostLists, LinesOfBothDialects) {
    std::string error;
    std::vector<HostEntry> hosts;
    for (const char* line :
         {"  # nothing", "", "node1 slots=4 max_slots=8 # c", "node2:2",
          "node3 slots = 3 username=me", "node4:2 binding=user:0 ifname=eth1", "n[5-6] cpus=2"}) {
        EXPECT_TRUE(parse_host_line(line, &hosts, &error)) << line << ": " << error;
    }
    EXPECT_EQ(shown(hosts), (Texts{"node1:4", "node2:2", "me@node3:3", "node4:2", "n5:2", "n6:2"}));
    EXPECT_EQ(hosts[0].max_slots, 8);
    for (const char* bad : {"node slots=many", "node slot", "node slots=0", "node user=-x",
                            "node ifname=", "a,b", "node = 3"}) {
        EXPECT_FALSE(parse_host_line(bad, &hosts, &error)) << bad;
    }
}

TEST(HostLists, AHostAgainHasMoreSlots) {
    const TextFile file("a\nb slots=2\na\nb slots=3\n");
    std::vector<HostEntry> hosts;
    std::string error;
    ASSERT_TRUE(read_host_file(file.path, &hosts, &error)) << error;
    EXPECT_EQ(shown(hosts), (Texts{"a:2", "b:5"}));
}

TEST(HostLists, MistakesNameTheLine) {
    const TextFile file("a\n\nb slots=x\n");
    std::vector<HostEntry> hosts;
    std::string error;
    EXPECT_FALSE(read_host_file(file.path, &hosts, &error));
    EXPECT_NE(error.find("line 3: \"slots=x\""), std::string::npos) << error;
    EXPECT_FALSE(read_host_file("/not/there", &hosts, &error));
}

TEST(HostLists, Counts) {
    EXPECT_EQ(expand_counts("2(x3),1"), (std::vector<int>{2, 2, 2, 1}));
    for (const char* bad : {"", "x", "2(x", "2(x)", "2(x3", "0", "-1", "2(x99999999)", "1,,2"}) {
        EXPECT_TRUE(expand_counts(bad).empty()) << bad;
    }
}

TEST(Allocations, Slurm) {
    fake_environment = {{"SLURM_JOB_NODELIST", "n[1-3,07-09],m2"},
                        {"SLURM_TASKS_PER_NODE", "2(x3),1,4(x3)"}};
    std::string error;
    const Allocation found = find_allocation(fake_lookup, "", &error);
    EXPECT_EQ(found.manager, "slurm");
    EXPECT_EQ(shown(found.hosts),
              (Texts{"n1:2", "n2:2", "n3:2", "n07:1", "n08:4", "n09:4", "m2:4"}));
    EXPECT_TRUE(find_allocation(fake_lookup, "pbs", &error).hosts.empty());
    EXPECT_EQ(error, "");
    fake_environment["SLURM_TASKS_PER_NODE"] = "2";
    EXPECT_TRUE(find_allocation(fake_lookup, "", &error).hosts.empty());
    EXPECT_NE(error, "");
}

TEST(Allocations, OthersByFilesAndWords) {
    std::string error;
    {
        const TextFile file("a\na\nb\n");
        for (const auto& [variable, manager] :
             {std::pair("PBS_NODEFILE", "pbs"), std::pair("LSB_DJOB_HOSTFILE", "lsf")}) {
            fake_environment = {{variable, file.path}, {"LSB_JOBID", "7"}};
            const Allocation found = find_allocation(fake_lookup, "", &error);
            EXPECT_EQ(found.manager, manager);
            EXPECT_EQ(shown(found.hosts), (Texts{"a:2", "b:1"})) << error;
        }
    }
    fake_environment = {{"LSB_JOBID", "7"}, {"LSB_MCPU_HOSTS", "a 2 b 1"}};
    EXPECT_EQ(shown(find_allocation(fake_lookup, "", &error).hosts), (Texts{"a:2", "b:1"}));
    fake_environment = {{"LSB_JOBID", "7"}, {"LSB_HOSTS", "a b a"}};
    EXPECT_EQ(shown(find_allocation(fake_lookup, "", &error).hosts), (Texts{"a:2", "b:1"}));
    {
        const TextFile file("a 2 all.q UNDEFINED\nb 1 all.q UNDEFINED\n");
        fake_environment = {{"PE_HOSTFILE", file.path}};
        const Allocation found = find_allocation(fake_lookup, "", &error);
        EXPECT_EQ(found.manager, "sge");
        EXPECT_EQ(shown(found.hosts), (Texts{"a:2", "b:1"}));
    }
    EXPECT_EQ(error, "");
    fake_environment = {{"PBS_NODEFILE", "/not/there"}};
    EXPECT_TRUE(find_allocation(fake_lookup, "", &error).hosts.empty());
    EXPECT_NE(error.find("PBS_NODEFILE"), std::string::npos);
    fake_environment.clear();
}

TEST(RemoteShells, TheNearestSayHolds) {
    fake_environment = {{"PATH", "/bin:/usr/bin"}};
    ShellOptions options;
    EXPECT_EQ(choose_shell(options, "", fake_lookup).words[0], "ssh");
    fake_environment["HYDRA_LAUNCHER"] = "lsf";
    EXPECT_EQ(choose_shell(options, "", fake_lookup).words[0], "blaunch");
    EXPECT_TRUE(choose_shell(options, "", fake_lookup).direct);
    fake_environment["OMPI_MCA_plm_rsh_agent"] = "/not/there : sh -x";
    EXPECT_EQ(choose_shell(options, "", fake_lookup).words, (Texts{"sh", "-x"}));
    fake_environment["FATHOM_RSH"] = "mine 'to use'";
    EXPECT_EQ(choose_shell(options, "slurm", fake_lookup).words, (Texts{"mine", "to use"}));
    options.agent = "agent";
    EXPECT_EQ(choose_shell(options, "", fake_lookup).words, Texts{"agent"});
    options.launcher_exec = "/opt/ssh";
    EXPECT_EQ(choose_shell(options, "", fake_lookup).words[0], "/opt/ssh");
    EXPECT_EQ(choose_shell(options, "", fake_lookup).words.back(), "LogLevel=ERROR");
    EXPECT_FALSE(is_launcher("pigeon"));
    fake_environment.clear();
}

}  // namespace
}  // namespace launch
