#include "mpi/launch/pmi_server.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>

namespace launch {
namespace {

// Keeps what the server asked for.
class Record final : public PmiEvents {
  public:
    explicit Record(int size) : sent(static_cast<std::size_t>(size)) {}
    void pmi_send(int rank, std::string_view line) override {
        EXPECT_TRUE(line.ends_with('\n'));
        sent[static_cast<std::size_t>(rank)] += line;
    }
    void pmi_abort(int rank, int exitcode) override {
        happened += "abort " + std::to_string(rank) + " " + std::to_string(exitcode) + ";";
    }
    void pmi_rank_lost(int rank, int peer, const std::string& why) override {
        happened += std::to_string(rank) + " lost " + std::to_string(peer) + " (" + why + ");";
    }
    void pmi_invite(int rank, int peer) override {
        happened += std::to_string(rank) + " invites " + std::to_string(peer) + ";";
    }
    void pmi_broken(int rank, const std::string& why) override {
        EXPECT_FALSE(why.empty());
        happened += "broken " + std::to_string(rank) + ";";
    }
    void pmi_phase(int rank, PmiPhase phase) override { phases[rank] = phase; }
    void pmi_waiting(int rank) override { happened += "waiting " + std::to_string(rank) + ";"; }
    void pmi_absent(int rank) override { happened += "absent " + std::to_string(rank) + ";"; }
    void pmi_fence() override { happened += "fence;"; }
    std::string take(int rank) { return std::exchange(sent[static_cast<std::size_t>(rank)], ""); }

    std::vector<std::string> sent;
    std::map<int, PmiPhase> phases;
    std::string happened;
};

JobPlan plan_of(const std::vector<RankPlan>& ranks) {
    JobPlan plan;
    plan.name = "space";
    plan.secret = "0123";
    plan.ranks = ranks;
    return plan;
}

class PmiServerTest : public ::testing::Test {
  protected:
    void init(int rank) {
        server.receive(rank, "cmd=init pmi_version=1 pmi_subversion=1\n");
        EXPECT_EQ(events.take(rank), "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0\n");
    }
    std::string ask(int rank, const std::string& line) {
        server.receive(rank, line + "\n");
        return events.take(rank);
    }
    std::string take_happened() { return std::exchange(events.happened, ""); }
    const JobPlan plan = plan_of({{0, 0}, {0, 0}, {0, 1}});
    Record events{3};
    PmiServer server{plan, {0, 1, 2}, &events};
};

TEST_F(PmiServerTest, StoresAndFinds) {
    init(0);
    init(2);
    EXPECT_EQ(ask(0, "cmd=put kvsname=space key=k value=a=b"), "cmd=put_result rc=0 msg=success\n");
    EXPECT_EQ(ask(2, "cmd=get kvsname=space key=k"), "cmd=get_result rc=0 msg=success value=a=b\n");
    EXPECT_EQ(ask(2, "cmd=get kvsname=space key=PMI_process_mapping"),
              "cmd=get_result rc=0 msg=success value=(vector,(0,1,3))\n");
    EXPECT_EQ(ask(2, "cmd=get_appnum"), "cmd=appnum appnum=1\n");
    EXPECT_EQ(events.happened, "");
}

TEST_F(PmiServerTest, BarrierLetsAllGoAtOnce) {
    for (int rank = 0; rank < 3; ++rank) init(rank);
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(ask(1, "cmd=barrier_in"), "");
        EXPECT_EQ(take_happened(), "waiting 1;");
        EXPECT_EQ(ask(0, "cmd=barrier_in"), "");
        EXPECT_EQ(ask(2, "cmd=barrier_in"), "");
        EXPECT_EQ(take_happened(), "fence;");
        server.release({});
        for (int rank = 0; rank < 3; ++rank) EXPECT_EQ(events.take(rank), "cmd=barrier_out\n");
    }
}

TEST_F(PmiServerTest, ExchangesValuesInTheBarrier) {
    const JobPlan wide = plan_of({{0, 0}, {1, 0}, {0, 0}});
    PmiServer one(wide, {0, 2}, &events);
    for (int rank : {0, 2}) one.receive(rank, "cmd=init pmi_version=1\n");
    one.receive(0, "cmd=put kvsname=space key=a value=1\n");
    one.receive(2, "cmd=put kvsname=space key=b value=2\n");
    EXPECT_EQ(one.take_values(), (Values{{"a", "1"}, {"b", "2"}}));
    EXPECT_EQ(one.take_values(), Values{});
    one.receive(0, "cmd=barrier_in\n");
    one.receive(2, "cmd=barrier_in\n");
    EXPECT_EQ(take_happened(), "waiting 0;fence;");
    one.release({{"c", "3"}});
    events.take(0);
    one.receive(0, "cmd=get kvsname=space key=c\n");
    EXPECT_EQ(events.take(0), "cmd=get_result rc=0 msg=success value=3\n");
    one.receive(0, "cmd=get kvsname=space key=PMI_process_mapping\n");
    EXPECT_EQ(events.take(0), "cmd=get_result rc=0 msg=success value=(vector,(0,2,1))\n");
}

TEST_F(PmiServerTest, KeepsTheSecretForItsRanks) {
    init(1);
    EXPECT_EQ(ask(1, "cmd=get kvsname=space key=FATHOM_secret"),
              "cmd=get_result rc=0 msg=success value=0123\n");
    EXPECT_EQ(ask(1, "cmd=put kvsname=space key=FATHOM_secret value=x"),
              "cmd=put_result rc=-1 msg=reserved_key\n");
}

TEST_F(PmiServerTest, TellsWhoCannotCome) {
    init(0);
    init(1);
    EXPECT_EQ(ask(1, "cmd=barrier_in"), "");
    server.gone(2);
    EXPECT_EQ(take_happened(), "waiting 1;absent 2;");
    EXPECT_EQ(ask(0, "cmd=finalize"), "cmd=finalize_ack\n");
    server.gone(0);
    EXPECT_EQ(take_happened(), "absent 0;") << "told once";
    server.gone(1);
    EXPECT_EQ(take_happened(), "") << "it has come";
}

TEST_F(PmiServerTest, HearsOfLostRanks) {
    init(1);
    EXPECT_EQ(ask(1, "cmd=rank_lost rank=2 why=no%20way:%20100%25"), "") << "there is no answer";
    EXPECT_EQ(take_happened(), "1 lost 2 (no way: 100%);");
    EXPECT_EQ(ask(1, "cmd=rank_lost rank=3 why=x"), "");
    EXPECT_EQ(take_happened(), "1 lost -1 (x);") << "there is no rank 3";
    EXPECT_EQ(ask(1, "cmd=rank_lost"), "");
    EXPECT_EQ(take_happened(), "1 lost -1 ();");
    // A thread of the process may find out while another one waits.
    EXPECT_EQ(ask(1, "cmd=barrier_in"), "");
    EXPECT_EQ(ask(1, "cmd=rank_lost rank=0 why=y"), "");
    EXPECT_EQ(take_happened(), "waiting 1;1 lost 0 (y);");
    ask(0, "cmd=rank_lost rank=1 why=z");
    EXPECT_EQ(take_happened(), "broken 0;absent 0;") << "it has not begun";
}

TEST_F(PmiServerTest, PassesInvitationsOn) {
    init(1);
    EXPECT_EQ(ask(1, "cmd=invite rank=2"), "");
    EXPECT_EQ(ask(1, "cmd=invite rank=3"), "");
    EXPECT_EQ(ask(1, "cmd=invite"), "");
    EXPECT_EQ(take_happened(), "1 invites 2;1 invites -1;1 invites -1;");
}

TEST_F(PmiServerTest, FinalizeAndProgress) {
    EXPECT_FALSE(events.phases.contains(0));
    init(0);
    EXPECT_EQ(events.phases[0], PmiPhase::active);
    EXPECT_EQ(ask(0, "cmd=finalize"), "cmd=finalize_ack\n");
    EXPECT_EQ(events.phases[0], PmiPhase::finalized);
    EXPECT_EQ(ask(0, "cmd=get_maxes"), "");
    EXPECT_EQ(take_happened(), "absent 0;broken 0;");
}

TEST_F(PmiServerTest, AbortIsHeardAtAnyTime) {
    EXPECT_EQ(ask(0, "cmd=abort exitcode=9"), "");
    init(1);
    EXPECT_EQ(ask(1, "cmd=barrier_in"), "");
    EXPECT_EQ(ask(1, "cmd=abort exitcode=512"), "");
    EXPECT_EQ(ask(2, "cmd=abort"), "");
    EXPECT_TRUE(events.happened.starts_with("abort 0 9;")) << events.happened;
    EXPECT_NE(events.happened.find("abort 1 1;"), std::string::npos) << events.happened;
    EXPECT_NE(events.happened.find("abort 2 1;"), std::string::npos) << events.happened;
}

TEST_F(PmiServerTest, NothingBrokenIsListenedTo) {
    init(0);
    server.receive(0, "nonsense\ncmd=abort exitcode=1\ncmd=get_maxes\n");
    server.receive(0, "cmd=abort exitcode=1\n");
    EXPECT_EQ(events.happened, "broken 0;absent 0;");
    EXPECT_EQ(events.take(0), "");
    init(1);
}

// Random streams made of the protocol's own words: no crash, bounded answers, and the other ranks
// are served as before.
TEST_F(PmiServerTest, SurvivesRandomStreams) {
    const std::string words[] = {"cmd=",
                                 "init",
                                 "put",
                                 "get",
                                 "barrier_in",
                                 "mcmd=spawn",
                                 "endcmd",
                                 "abort",
                                 "\n",
                                 "\n",
                                 " ",
                                 "=",
                                 "key=k",
                                 "value=v",
                                 "\xff",
                                 "rc=0",
                                 " kvsname=space",
                                 "cmd=init pmi_version=1\n",
                                 "finalize",
                                 std::string("\0", 1)};
    std::mt19937 random(20);
    for (int round = 0; round < 2000; ++round) {
        Record record(2);
        const JobPlan two = plan_of({{0, 0}, {0, 0}});
        PmiServer fresh(two, {0, 1}, &record);
        std::string stream;
        for (int i = 0; i < 60; ++i) stream += words[random() % std::size(words)];
        for (std::size_t at = 0; at < stream.size();) {
            const std::size_t piece = 1 + random() % 40;
            fresh.receive(0, stream.substr(at, piece));
            at += piece;
        }
        EXPECT_LT(record.sent[0].size(), 10000U);
        fresh.receive(1, "cmd=init pmi_version=1\ncmd=get_appnum\n");
        EXPECT_TRUE(record.sent[1].ends_with("cmd=appnum appnum=0\n"));
    }
}

}  // namespace
}  // namespace launch
