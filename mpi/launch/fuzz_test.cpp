// What parses text and bytes from outside, against inputs that were well-formed before somebody
// broke them: nothing crashes, and what is accepted is within its bounds. Of each test the inputs
// are the same every time; a longer run (adi/testing/rounds.hpp) has more behind them.
#include <gtest/gtest.h>

#include <cctype>
#include <random>
#include <string>
#include <vector>

#include "adi/boot/pmi1_wire.hpp"
#include "adi/testing/rounds.hpp"
#include "mpi/launch/frames.hpp"
#include "mpi/launch/host_lists.hpp"
#include "mpi/launch/place_policy.hpp"

namespace launch {
namespace {

using adi::testing::Rounds;

constexpr int kInputs = 10'000;  // of each of the five tests

/// Breaks one of the seeds: bytes and pieces are changed, taken out, doubled, and exchanged.
class Breaker {
  public:
    Breaker(unsigned seed, std::vector<std::string> seeds)
        : random_(seed), seeds_(std::move(seeds)) {}

    std::string next() {
        std::string text = any();
        for (int times = static_cast<int>(below(6)); times > 0; --times) {
            const std::size_t at = below(text.size() + 1);
            const std::size_t length = below(std::min<std::size_t>(text.size() - at, 8) + 1);
            switch (below(6)) {
                case 0: text.erase(at, length); break;
                case 1: text.insert(at, text.substr(at, length)); break;
                case 2: text.insert(at, 1, kBytes[below(kBytes.size())]); break;
                case 3: text.insert(at, 1, static_cast<char>(below(256))); break;
                case 4:
                    if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
                    break;
                default: {
                    const std::string other = any();
                    text = text.substr(0, at) + other.substr(below(other.size() + 1));
                }
            }
        }
        return text.substr(0, 4096);
    }

  private:
    static constexpr std::string_view kBytes = "[](),:;-=# \t\n\"'\\0123456789x.@%+";
    std::size_t below(std::size_t end) { return random_() % end; }
    const std::string& any() { return seeds_[below(seeds_.size())]; }

    std::mt19937 random_;
    std::vector<std::string> seeds_;
};

/// May be given to a remote shell as the name of a host.
bool is_harmless(const std::string& name) {
    for (const char c : name) {
        const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0;
        if (!plain && std::string_view("-._:@%").find(c) == std::string_view::npos) return false;
    }
    return !name.empty() && name.front() != '-' && name.find("@-") == std::string::npos;
}

TEST(Fuzz, HostFiles) {
    Breaker breaker(1, {"node1 slots=4 max_slots=8 # c", "node2:2", "[fe80::1]:4 user=me",
                        "n[1-3,07-09]x[0-1]:2 binding=user:0 ifname=eth0", "", "a slots = 2"});
    for (Rounds rounds(kInputs); rounds.next();) {
        const std::string line = breaker.next();
        std::vector<HostEntry> hosts;
        std::string error;
        const bool good = parse_host_line(line, &hosts, &error);
        ASSERT_EQ(good, error.empty()) << line;
        ASSERT_TRUE(good || hosts.empty()) << line;
        for (const HostEntry& host : hosts) {
            ASSERT_TRUE(is_harmless(host.name)) << line;
            ASSERT_TRUE(host.slots >= 0 && host.slots <= kMaxRanks) << line;
        }
    }
}

TEST(Fuzz, NodeLists) {
    Breaker breaker(2, {"n[1-3,07-09],m2", "a,b:4,[::1]:2", "2(x3),1", "rack[0-3]n[00-15]", "host",
                        "16(x64)", "(vector,(0,2,1),(2,1,4))"});
    for (Rounds rounds(kInputs); rounds.next();) {
        const std::string list = breaker.next();
        std::vector<std::string> names;
        std::string error;
        const bool expanded = expand_names(list, &names, &error);
        ASSERT_EQ(expanded, error.empty()) << list;
        error.clear();
        const std::vector<HostEntry> hosts = parse_host_list(list, &error);
        ASSERT_EQ(hosts.empty(), !error.empty()) << list;
        for (const HostEntry& host : hosts) ASSERT_TRUE(is_harmless(host.name)) << list;
        for (const int count : expand_counts(list)) ASSERT_TRUE(count >= 1 && count <= kMaxRanks);
        const std::vector<int> nodes = adi::pmi1::parse_process_mapping(list, 64);
        ASSERT_TRUE(nodes.empty() || nodes.size() == 64) << list;
    }
}

TEST(Fuzz, PlaceWords) {
    Breaker breaker(3, {"ppr:2:socket:PE=3,SPAN", "core:2", "user:0+2,1-3", "numa:overload-allowed",
                        "hwthread:if-supported", "0-3,7", "socket:span", "slot:NOOVERSUBSCRIBE"});
    for (Rounds rounds(kInputs); rounds.next();) {
        const std::string word = breaker.next();
        for (const auto parse : {parse_map_by, parse_rank_by, parse_bind_to, parse_cpu_set}) {
            PlacePolicy policy;
            std::string error;
            const bool good = parse(word, &policy, &error);
            ASSERT_EQ(good, error.empty()) << word;
            ASSERT_TRUE(policy.per_part >= 0 && policy.per_part <= 1 << 16) << word;
            ASSERT_GE(policy.bind_parts, 1) << word;
        }
        std::vector<std::string> words;
        (void)split_words(word, &words);
    }
}

TEST(Fuzz, PmiLines) {
    Breaker breaker(4, {"cmd=init pmi_version=1 pmi_subversion=1", "cmd=get_maxes",
                        "cmd=put kvsname=space key=k value=v=w", "cmd=abort exitcode=-3",
                        "cmd=get kvsname=space key=PMI_process_mapping", "mcmd=spawn nprocs=2"});
    for (Rounds rounds(kInputs); rounds.next();) {
        const std::string line = breaker.next();
        std::string error;
        const auto message = adi::pmi1::Message::parse(line, &error);
        ASSERT_EQ(message.has_value(), error.empty()) << line;
        if (message) {
            ASSERT_FALSE(message->command().empty()) << line;
            const auto number = message->find_int("exitcode", -5, 5);
            ASSERT_TRUE(!number || (*number >= -5 && *number <= 5)) << line;
        }
        adi::pmi1::LineBuffer lines;
        lines.append(line);
        while (const auto part = lines.next()) ASSERT_EQ(part->find('\n'), std::string::npos);
    }
}

TEST(Fuzz, Frames) {
    JobPlan plan;
    plan.name = "space";
    plan.programs = {{"/bin/a", "/tmp", {"a", "b"}, {"A=1"}}};
    plan.ranks = {{0, 0}, {0, 0}, {1, 0, {0, 7}}};
    Machine machine;
    machine.available = 2;
    machine.cpus.resize(2);
    Breaker breaker(5, {Writer().plan(plan).bytes(), Writer().machine(machine).bytes(),
                        Writer().values({{"k", "v"}, {"l", ""}}).bytes()});
    for (Rounds rounds(kInputs); rounds.next();) {
        const std::string bytes = breaker.next();
        Reader plans(bytes), machines(bytes), values(bytes);
        const JobPlan read = plans.plan();
        if (plans.good()) {
            ASSERT_GT(read.size(), 0);
            const std::string again = Writer().plan(read).bytes();
            Reader reader(again);
            ASSERT_EQ(Writer().plan(reader.plan()).bytes(), again);
        }
        for (const Cpu& cpu : machines.machine().cpus) ASSERT_LT(cpu.number, kMostCpus);
        ASSERT_TRUE(values.values().empty() || values.good());
    }
}

}  // namespace
}  // namespace launch
