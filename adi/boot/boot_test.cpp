// The bootstrap client against scripted launchers, good and bad, at the other end of a socket pair.
#include "adi/boot/boot.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "adi/boot/pmi1_client.hpp"

namespace adi {
namespace {

// One step of a scripted launcher: it reads one line, which must begin with `expect`, and answers.
using Script = std::vector<std::pair<std::string, std::string>>;

const Script kHandshake = {
    {"cmd=init", "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0\n"},
    {"cmd=get_maxes", "cmd=maxes kvsname_max=256 keylen_max=64 vallen_max=1024\n"},
    {"cmd=get_my_kvsname", "cmd=my_kvsname kvsname=job\n"},
};

Script after_handshake(Script more) {
    Script script = kHandshake;
    script.insert(script.end(), more.begin(), more.end());
    return script;
}

void play(int fd, const Script& script) {
    std::string pending;
    for (const auto& [expect, answer] : script) {
        while (pending.find('\n') == std::string::npos) {
            char bytes[512];
            const ssize_t got = ::read(fd, bytes, sizeof bytes);
            if (got <= 0) {
                ADD_FAILURE() << "the client hung up before " << expect;
                return;
            }
            pending.append(bytes, static_cast<std::size_t>(got));
        }
        const std::string line = pending.substr(0, pending.find('\n'));
        pending.erase(0, line.size() + 1);
        EXPECT_EQ(line.substr(0, expect.size()), expect);
        if (::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
    }
}

// A launcher that plays its script in a thread of its own, then hangs up.
class FakeLauncher {
  public:
    explicit FakeLauncher(Script script) {
        int fds[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        client_fd = fds[0];
        thread_ = std::thread([fd = fds[1], script = std::move(script)] {
            play(fd, script);
            ::close(fd);
        });
    }
    ~FakeLauncher() { thread_.join(); }
    int client_fd = -1;

  private:
    std::thread thread_;
};

std::unique_ptr<pmi1::Client> open_client(const FakeLauncher& launcher, std::string* error) {
    return pmi1::Client::open(launcher.client_fd, 1, 4, error);
}

TEST(Pmi1Client, WalksThroughAWholeLife) {
    FakeLauncher launcher(after_handshake({
        {"cmd=get_appnum", "cmd=appnum appnum=2\n"},
        {"cmd=get_universe_size", "cmd=universe_size size=8\n"},
        {"cmd=put kvsname=job key=card value=a=b", "cmd=put_result rc=0 msg=success\n"},
        {"cmd=barrier_in", "cmd=barrier_out\n"},
        {"cmd=get kvsname=job key=card", "cmd=get_result rc=0 msg=success value=a=b\n"},
        {"cmd=get kvsname=job key=none",
         "cmd=get_result rc=-1 msg=key_none_not_found value=unknown\n"},
        {"cmd=finalize", "cmd=finalize_ack\n"},
    }));
    std::string error;
    auto boot = open_client(launcher, &error);
    ASSERT_NE(boot, nullptr) << error;
    EXPECT_EQ(boot->rank(), 1);
    EXPECT_EQ(boot->size(), 4);
    EXPECT_EQ(*boot->appnum(), 2);
    EXPECT_EQ(*boot->universe_size(), 8);
    EXPECT_TRUE(boot->put("card", "a=b").ok());
    EXPECT_TRUE(boot->fence().ok());
    EXPECT_EQ(*boot->get(0, "card"), "a=b");
    EXPECT_EQ(boot->get(0, "none").status(), Status::bad_argument);
    EXPECT_TRUE(boot->finalize().ok());
    EXPECT_FALSE(boot->fence().ok());
}

// The answers of Flux's launcher (flux-core, simple_server.c): an rc in each of them, no msg, and
// refusals without a value.
TEST(Pmi1Client, UnderstandsFlux) {
    FakeLauncher launcher({
        {"cmd=init pmi_version=1 pmi_subversion=1",
         "cmd=response_to_init rc=0 pmi_version=1 pmi_subversion=1\n"},
        {"cmd=get_maxes", "cmd=maxes rc=0 kvsname_max=64 keylen_max=64 vallen_max=1024\n"},
        {"cmd=get_my_kvsname", "cmd=my_kvsname rc=0 kvsname=f2V9\n"},
        {"cmd=get kvsname=f2V9 key=PMI_process_mapping",
         "cmd=get_result rc=0 value=(vector,(0,2,2))\n"},
        {"cmd=get kvsname=f2V9 key=FATHOM_secret", "cmd=get_result rc=4\n"},
        {"cmd=get_appnum", "cmd=appnum rc=0 appnum=0\n"},
        {"cmd=get_universe_size", "cmd=universe_size rc=0 size=4\n"},
        {"cmd=put kvsname=f2V9 key=card value=a", "cmd=put_result rc=0\n"},
        {"cmd=put kvsname=f2V9 key=card value=b", "cmd=put_result rc=4\n"},
        {"cmd=barrier_in", "cmd=barrier_out rc=0\n"},
        {"cmd=barrier_in", "cmd=barrier_out rc=-1\n"},
    });
    std::string error;
    auto boot = open_client(launcher, &error);
    ASSERT_NE(boot, nullptr) << error;
    EXPECT_EQ(boot->local_ranks(), (std::vector<int>{0, 1}));
    EXPECT_EQ(boot->launcher_secret(), "");
    EXPECT_EQ(*boot->appnum(), 0);
    EXPECT_EQ(*boot->universe_size(), 4);
    EXPECT_TRUE(boot->put("card", "a").ok());
    EXPECT_EQ(boot->put("card", "b").status(), Status::bad_argument);
    EXPECT_TRUE(boot->fence().ok());
    EXPECT_FALSE(boot->fence().ok());
}

TEST(Pmi1Client, ChecksItsOwnCallerBeforeItSpeaks) {
    FakeLauncher launcher(kHandshake);
    std::string error;
    auto boot = open_client(launcher, &error);
    ASSERT_NE(boot, nullptr) << error;
    EXPECT_EQ(boot->put("", "v").status(), Status::bad_argument);
    EXPECT_EQ(boot->put("k=", "v").status(), Status::bad_argument);
    EXPECT_EQ(boot->put(std::string(65, 'k'), "v").status(), Status::bad_argument);
    EXPECT_EQ(boot->put("k", "two words").status(), Status::bad_argument);
    EXPECT_EQ(boot->put("k", "line\n").status(), Status::bad_argument);
    EXPECT_EQ(boot->put("k", std::string(1025, 'v')).status(), Status::bad_argument);
    EXPECT_EQ(boot->get(0, "a b").status(), Status::bad_argument);
}

TEST(Pmi1Client, ReportsADeadLauncherAndStaysFailed) {
    FakeLauncher launcher(kHandshake);
    std::string error;
    auto boot = open_client(launcher, &error);
    ASSERT_NE(boot, nullptr) << error;
    const auto first = boot->fence();
    EXPECT_EQ(first.status(), Status::peer_failed);
    EXPECT_NE(first.message().find("launcher is gone"), std::string::npos);
    EXPECT_EQ(boot->put("k", "v").status(), Status::peer_failed);
    EXPECT_EQ(boot->finalize().status(), Status::peer_failed);
    boot->abort(3, "");
}

TEST(Pmi1Client, SaysThatAPlaceIsTaken) {
    FakeLauncher launcher({});
    std::string error;
    EXPECT_EQ(open_client(launcher, &error), nullptr);
    EXPECT_NE(error.find("another MPI program ran before"), std::string::npos) << error;
}

TEST(Pmi1Client, RefusesGarbageInTheHandshake) {
    const std::vector<std::string> answers = {
        "\n",
        "hello\n",
        "cmd=maxes\n",
        "cmd=response_to_init rc=-1 pmi_version=1\n",
        "cmd=response_to_init rc=0 pmi_version=2\n",
        "cmd=response_to_init rc=0\n",
        "cmd=response_to_init pmi_version=1\n",
        std::string("cmd=response_to_init\0rc=0\n", 26),
        "\x01\x02\xff\n",
        std::string(10000, 'x'),
        std::string(5000, 'x') + "\n",
        "cmd=response_to_init rc=0 pmi_ver",
        "",
    };
    for (const std::string& answer : answers) {
        FakeLauncher launcher({{"cmd=init", answer}});
        std::string error;
        EXPECT_EQ(open_client(launcher, &error), nullptr) << answer;
        EXPECT_FALSE(error.empty());
    }
}

TEST(Pmi1Client, RefusesGarbageLater) {
    for (const char* answer : {"cmd=put_result rc=0\n", "cmd=get_result value=x rc=zero\n", "?\n",
                               "cmd=get_result rc=0\n", "cmd=barrier_out\n"}) {
        FakeLauncher launcher(after_handshake({{"cmd=get ", answer}}));
        std::string error;
        auto boot = open_client(launcher, &error);
        ASSERT_NE(boot, nullptr) << error;
        EXPECT_FALSE(boot->get(0, "k").ok()) << answer;
    }
    FakeLauncher launcher(after_handshake(
        {{"cmd=get ", "cmd=get_result rc=0 value=" + std::string(1025, 'v') + "\n"}}));
    std::string error;
    auto boot = open_client(launcher, &error);
    ASSERT_NE(boot, nullptr) << error;
    EXPECT_EQ(boot->get(0, "k").status(), Status::corrupt);
}

TEST(Pmi1Client, AbortNamesANonZeroCode) {
    for (const auto& [code, line] : std::map<int, std::string>{{7, "cmd=abort exitcode=7"},
                                                               {0, "cmd=abort exitcode=1"},
                                                               {256, "cmd=abort exitcode=1"}}) {
        FakeLauncher launcher(after_handshake({{line, ""}}));
        std::string error;
        auto boot = open_client(launcher, &error);
        ASSERT_NE(boot, nullptr) << error;
        boot->abort(code, "");
    }
}

TEST(Pmi1Client, TellsFathomsLauncherOfALostRank) {
    FakeLauncher launcher(after_handshake(
        {{"cmd=get kvsname=job key=FATHOM_secret", "cmd=get_result rc=0 msg=success value=0123\n"},
         {"cmd=rank_lost rank=2 why=no%20way", ""},
         {"cmd=get kvsname=job key=k", "cmd=get_result rc=0 value=v\n"}}));
    std::string error;
    auto boot = open_client(launcher, &error);
    ASSERT_NE(boot, nullptr) << error;
    EXPECT_TRUE(boot->report_lost(2, "no way"));
    EXPECT_EQ(*boot->get(0, "k"), "v") << "there is no answer that comes in between";
}

TEST(Pmi1Client, TellsOtherLaunchersNothingThatTheyDoNotKnow) {
    FakeLauncher launcher(after_handshake(
        {{"cmd=get kvsname=job key=FATHOM_secret", "cmd=get_result rc=-1 msg=key_not_found\n"}}));
    std::string error;
    auto boot = open_client(launcher, &error);
    ASSERT_NE(boot, nullptr) << error;
    EXPECT_FALSE(boot->report_lost(2, "no way"));
}

TEST(Pmi1Client, ConnectsToAPort) {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener, 1), 0);
    socklen_t length = sizeof address;
    ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), 0);
    std::thread launcher([listener] {
        Script script = {{"cmd=initack pmiid=2",
                          "cmd=initack rc=0\ncmd=set size=3\ncmd=set rank=2\ncmd=set debug=0\n"}};
        script.insert(script.end(), kHandshake.begin(), kHandshake.end());
        const int fd = ::accept(listener, nullptr, nullptr);
        play(fd, script);
        ::close(fd);
    });
    std::string error;
    auto boot =
        pmi1::Client::connect("127.0.0.1:" + std::to_string(ntohs(address.sin_port)), "2", &error);
    launcher.join();
    ::close(listener);
    ASSERT_NE(boot, nullptr) << error;
    EXPECT_EQ(boot->rank(), 2);
    EXPECT_EQ(boot->size(), 3);
    EXPECT_EQ(pmi1::Client::connect("nowhere", "0", &error), nullptr);
    EXPECT_EQ(pmi1::Client::connect("127.0.0.1:notaport", "0", &error), nullptr);
}

// The environment of a test is its own; each test names what it sets.
class Environment {
  public:
    explicit Environment(std::map<std::string, std::string> values) : values_(std::move(values)) {
        for (const auto& [name, value] : values_) ::setenv(name.c_str(), value.c_str(), 1);
    }
    ~Environment() {
        for (const auto& [name, value] : values_) ::unsetenv(name.c_str());
    }

  private:
    std::map<std::string, std::string> values_;
};

TEST(MakeBootstrap, IsASingletonWithoutALauncher) {
    std::string error;
    auto boot = make_bootstrap(&error);
    ASSERT_NE(boot, nullptr) << error;
    EXPECT_EQ(boot->rank(), 0);
    EXPECT_EQ(boot->size(), 1);
    EXPECT_EQ(*boot->appnum(), 0);
    EXPECT_EQ(*boot->universe_size(), 1);
    EXPECT_TRUE(boot->put("k", "v").ok());
    EXPECT_TRUE(boot->fence().ok());
    EXPECT_EQ(*boot->get(0, "k"), "v");
    EXPECT_FALSE(boot->get(0, "other").ok());
    EXPECT_FALSE(boot->put("k", "two words").ok());
    EXPECT_EQ(boot->local_ranks(), std::vector<int>{0});
    EXPECT_EQ(boot->launcher_secret(), "");
    EXPECT_TRUE(boot->finalize().ok());
}

TEST(MakeBootstrap, RefusesADamagedEnvironment) {
    const std::vector<std::map<std::string, std::string>> bad = {
        {{"PMI_FD", "x"}, {"PMI_RANK", "0"}, {"PMI_SIZE", "1"}},
        {{"PMI_FD", "0"}},
        {{"PMI_FD", "0"}, {"PMI_RANK", "0"}},
        {{"PMI_FD", "0"}, {"PMI_RANK", "2"}, {"PMI_SIZE", "2"}},
        {{"PMI_FD", "0"}, {"PMI_RANK", "-1"}, {"PMI_SIZE", "2"}},
        {{"PMI_FD", "9999"}, {"PMI_RANK", "0"}, {"PMI_SIZE", "2"}},
        {{"PMI_PORT", "127.0.0.1:1"}, {"PMI_ID", "0"}},
    };
    for (const auto& values : bad) {
        Environment environment(values);
        std::string error;
        EXPECT_EQ(make_bootstrap(&error), nullptr);
        EXPECT_FALSE(error.empty());
    }
}

std::map<std::string, std::string> fake_environment;

const char* fake_lookup(const char* name) {
    const auto at = fake_environment.find(name);
    return at == fake_environment.end() ? nullptr : at->second.c_str();
}

std::string warning_in(std::map<std::string, std::string> environment) {
    fake_environment = std::move(environment);
    return foreign_launcher_warning(fake_lookup, "no library");
}

TEST(ForeignLauncher, IsNamedWhenItStartedSeveralProcesses) {
    EXPECT_EQ(warning_in({}), "");
    const std::string open_mpi =
        warning_in({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "4"}});
    EXPECT_NE(open_mpi.find("Open MPI"), std::string::npos);
    EXPECT_NE(open_mpi.find("one of 4"), std::string::npos);
    EXPECT_EQ(
        warning_in(
            {{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}, {"PMIX_RANK", "0"}}),
        "");
    const std::string slurm =
        warning_in({{"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "2"}, {"SLURM_STEP_ID", "0"}});
    EXPECT_NE(slurm.find("--mpi=pmi2"), std::string::npos);
    EXPECT_EQ(warning_in({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "2"}}), "") << "a batch script";
    EXPECT_NE(warning_in({{"PMIX_RANK", "3"}}), "");
    EXPECT_EQ(warning_in({{"SLURM_NTASKS", "2"}}), "");
    const std::string pmix = warning_in(
        {{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"PMIX_NAMESPACE", "job"}});
    EXPECT_NE(pmix.find("cannot speak PMIx, the launcher's protocol: no library"),
              std::string::npos);
    EXPECT_NE(warning_in({{"FLUX_TASK_RANK", "0"}, {"FLUX_JOB_SIZE", "2"}}).find("Flux"),
              std::string::npos);
}

}  // namespace
}  // namespace adi
