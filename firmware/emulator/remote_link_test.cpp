#include "firmware/emulator/remote_link.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "firmware/emulator/network_fixture.hpp"

namespace emulator::testing {
namespace {

constexpr const char* kSecret = "a secret of the fabrics";

NetworkOptions knowing(const std::string& secret) {
    NetworkOptions options;
    options.secret = secret;
    return options;
}

std::string right_text(std::uint16_t port) {
    return "switch right 8\nboard 1\nlink 1 right:2\nlink right:6 remote 127.0.0.1:" +
           std::to_string(port) + "\n";
}

constexpr const char* kLeft = "switch left 8\nboard 0\nlink 0 left:1\nlink left:4 listen 0\n";

/// Lets both fabrics work until `done`; false: not within a time that is long for a loopback.
bool work(std::initializer_list<TestNetwork*> nets, const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
        for (TestNetwork* net : nets) {
            net->network->poll();
            net->clock.run(net->clock.now() + 1'000'000);
        }
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    return true;
}

struct Pair {
    Pair() : left(false, kLeft, knowing(kSecret)) {
        right = std::make_unique<TestNetwork>(false, right_text(left.network->listening_port(port)),
                                              knowing(kSecret));
    }
    bool joined() {
        // Is there a way? Sends until something comes.
        return work({&left, right.get()}, [&] {
            left.board(0).send(to_right({0}));
            return !right->board(0).packets.empty();
        });
    }
    static Bytes routed(std::uint8_t first, std::uint8_t second, const Bytes& payload) {
        Bytes packet(2 + payload.size());
        packet[0] = first;
        packet[1] = second;
        std::copy(payload.begin(), payload.end(), packet.begin() + 2);
        return packet;
    }
    static Bytes to_right(const Bytes& payload) {
        return routed(route_byte(1, 4), route_byte(6, 2), payload);
    }
    static Bytes to_left(const Bytes& payload) {
        return routed(route_byte(2, 6), route_byte(4, 1), payload);
    }

    const LinkEnd port{false, 0, 4};
    TestNetwork left;
    std::unique_ptr<TestNetwork> right;
};

TEST(RemoteLink, JoinsFabrics) {
    Pair pair;
    ASSERT_EQ(pair.left.error, "");
    ASSERT_EQ(pair.right->error, "");
    ASSERT_TRUE(pair.joined());
    work({&pair.left, pair.right.get()}, [&] { return pair.left.board(0).idle(); });
    pair.left.settle();
    pair.right->board(0).packets.clear();
    std::vector<Bytes> there;
    std::vector<Bytes> back;
    for (std::uint32_t i = 0; i < 300; ++i) {
        there.push_back(pattern(1 + i * 37, i));
        back.push_back(pattern(1 + i * 29, i + 1000));
        pair.left.board(0).send(Pair::to_right(there.back()), 1 + i * 20);
        pair.right->board(0).send(Pair::to_left(back.back()));
    }
    ASSERT_TRUE(work({&pair.left, pair.right.get()}, [&] {
        return pair.left.board(0).packets.size() == 300 && !pair.right->board(0).packets.empty() &&
               pair.right->board(0).packets.back().bytes == there.back();
    }));
    // Those that looked for the way may still come first.
    auto& got = pair.right->board(0).packets;
    while (got.size() > 300) got.erase(got.begin());
    for (std::size_t i = 0; i < 300; ++i) {
        ASSERT_EQ(got[i].bytes, there[i]);
        ASSERT_EQ(pair.left.board(0).packets[i].bytes, back[i]);
        ASSERT_EQ(got[i].syndrome, 0);
    }
    EXPECT_EQ(pair.left.network->counters().strangers, 0U);
    EXPECT_EQ(pair.left.network->counters().bad_frames, 0U);
}

TEST(RemoteLink, StopsAndGoes) {
    Pair pair;
    ASSERT_TRUE(pair.joined());
    pair.right->board(0).room = 0;
    // More than what may wait on the way.
    const int packets = 200;
    for (int i = 0; i < packets; ++i)
        pair.left.board(0).send(Pair::to_right(Bytes(8000, static_cast<std::uint8_t>(i))));
    // In all, the links' time-outs never pass here: the clock hardly moves.
    work({&pair.left, pair.right.get()}, [&, n = 0]() mutable { return ++n > 300; });
    EXPECT_FALSE(pair.left.board(0).idle());
    pair.right->board(0).packets.clear();
    pair.right->board(0).give_room(~std::size_t{0} / 2);
    ASSERT_TRUE(work({&pair.left, pair.right.get()}, [&] {
        const auto& got = pair.right->board(0).packets;
        return !got.empty() && got.back().bytes == Bytes(8000, packets - 1);
    }));
    EXPECT_TRUE(pair.left.board(0).idle());
}

TEST(RemoteLink, EndsAndComesBack) {
    Pair pair;
    ASSERT_TRUE(pair.joined());
    // The right emulator dies in the middle of a packet.
    pair.right->board(0).room = 3;
    pair.left.board(0).send(Pair::to_right(Bytes(100'000, 1)), 5000);
    work({&pair.left, pair.right.get()}, [&, n = 0]() mutable { return ++n > 20; });
    pair.right.reset();
    ASSERT_TRUE(work({&pair.left}, [&] { return pair.left.board(0).idle(); }));
    // The packet that it died in may be counted already: what is sent now is to be lost, too.
    const auto lost = [&] { return pair.left.network->counters().dead_links; };
    const auto lost_before = lost();
    EXPECT_TRUE(work({&pair.left}, [&] {
        if (lost() > lost_before) return pair.left.board(0).idle();
        pair.left.board(0).send(Pair::to_right({1}));
        return false;
    }));
    pair.left.settle();
    pair.right = std::make_unique<TestNetwork>(
        false, right_text(pair.left.network->listening_port(pair.port)), knowing(kSecret));
    EXPECT_TRUE(pair.joined());
    EXPECT_EQ(pair.right->board(0).packets[0].bytes, Bytes{0});
}

TEST(RemoteLink, DropsStrangers) {
    TestNetwork left(false, kLeft, knowing(kSecret));
    const std::uint16_t port = left.network->listening_port({false, 0, 4});
    TestNetwork right(false, right_text(port), knowing("some other secret"));
    ASSERT_TRUE(work({&left, &right}, [&] { return left.network->counters().strangers >= 2; }));
    // And who does not even greet.
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const std::string words = "hello?";
    ASSERT_EQ(send(fd, words.data(), words.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(words.size()));
    char answer[100];
    while (recv(fd, answer, sizeof answer, 0) > 0) {
    }
    close(fd);
    EXPECT_FALSE(left.network->poll());
    left.board(0).send(Pair::to_right({1}));
    left.settle();
    EXPECT_EQ(left.network->counters().dead_links, 1U);
    // Who knows it still comes in.
    TestNetwork friendly(false, right_text(port), knowing(kSecret));
    EXPECT_TRUE(work({&left, &friendly}, [&] {
        left.board(0).send(Pair::to_right({2}));
        return !friendly.board(0).packets.empty();
    }));
}

TEST(RemoteLink, SaysWhatIsWrong) {
    EXPECT_NE(TestNetwork(true, kLeft, knowing(kSecret)).error.find("modelled time"),
              std::string::npos);
    EXPECT_NE(TestNetwork(false, kLeft, knowing("short")).error.find("16 bytes"),
              std::string::npos);
    const TestNetwork first(false, kLeft, knowing(kSecret));
    const auto port = std::to_string(first.network->listening_port({false, 0, 4}));
    const TestNetwork second(false, "switch s 4\nboard 0\nlink 0 s\nlink s:3 listen " + port + "\n",
                             knowing(kSecret));
    EXPECT_NE(second.error.find("s:3: cannot listen on port " + port), std::string::npos)
        << second.error;
}

}  // namespace
}  // namespace emulator::testing
