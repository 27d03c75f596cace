// The whole emulator: processes attach, packets go from send slots to receive rings, deposits from
// memory to memory; and processes that misbehave or die.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cerrno>

#include "firmware/emulator/attach_fixture.hpp"

namespace {

using namespace emulator_test;

/// Fast, and in modelled time.
class Attach : public testing::TestWithParam<const char*> {
  protected:
    static emulator::EmulatorOptions options() {
        emulator::EmulatorOptions result;
        result.boards = 4;
        result.machine = emulator::find_machine(GetParam());
        return result;
    }
};
INSTANTIATE_TEST_SUITE_P(Modes, Attach, testing::Values("fast", "ppro200"),
                         [](const auto& mode) { return std::string(mode.param); });

TEST_P(Attach, APacketGoesFromSlotToRing) {
    RunningEmulator emulator(options());
    auto job = make_job(emulator.name(), 2);
    EXPECT_NE(job[0]->board().place() >> 24, job[1]->board().place() >> 24)
        << "with boards enough each node has its own";
    const auto payload = some_bytes(100, 1);
    job[0]->send(1, {0xdeadbeef, 42}, payload);
    const Arrived packet = job[1]->take();
    EXPECT_EQ(packet.kind, FM_KIND_DATA);
    EXPECT_EQ(packet.source_node, 0U);
    EXPECT_EQ(packet.user, (std::array<std::uint32_t, 2>{0xdeadbeef, 42}));
    EXPECT_EQ(packet.payload, payload);
}

TEST_P(Attach, ManyPacketsBothWaysInOrder) {
    RunningEmulator emulator(options());
    auto job = make_job(emulator.name(), 2);
    constexpr unsigned kCount = 500;
    unsigned got[2] = {};
    for (unsigned i = 0; i < kCount; ++i) {
        for (std::uint32_t node = 0; node < 2; ++node) {
            job[node]->send(1 - node, {i, node}, some_bytes(i % 448, i));
            Arrived packet = job[node == 0 ? 1 : 0]->take();
            EXPECT_EQ(packet.user[0], got[node]++);
            ASSERT_EQ(packet.payload, some_bytes(i % 448, i));
        }
    }
}

TEST_P(Attach, EndpointsOfOneBoardReachEachOther) {
    RunningEmulator emulator(options());
    auto job = make_job(emulator.name(), 3, {}, {2, 2, 1});
    EXPECT_EQ(job[0]->board().place() >> 24, job[1]->board().place() >> 24);
    job[0]->send(1, {1, 0}, some_bytes(7, 1));
    job[0]->send(2, {2, 0}, some_bytes(8, 2));
    job[0]->send(0, {3, 0}, some_bytes(9, 3));
    EXPECT_EQ(job[1]->take().payload, some_bytes(7, 1));
    EXPECT_EQ(job[2]->take().payload, some_bytes(8, 2));
    EXPECT_EQ(job[0]->take().payload, some_bytes(9, 3)) << "to itself";
}

TEST_P(Attach, APacketFromAStagingPage) {
    RunningEmulator emulator(options());
    auto job = make_job(emulator.name(), 2);
    dev::fm::Board& board = job[0]->board();
    const auto payload = some_bytes(FM_PACKET_BYTES, 5);
    std::memcpy(board.staging(3), payload.data(), payload.size());
    job[0]->send_page(1, {9, 9}, board.ring_slots() + 3, 0, payload.size());
    EXPECT_EQ(job[1]->take().payload, payload);
}

TEST_P(Attach, ADepositGoesFromMemoryToMemory) {
    RunningEmulator emulator(options());
    auto job = make_job(emulator.name(), 2);
    const auto payload = some_bytes(100'000, 3);
    std::vector<std::byte> from(payload.size() + 4096);
    std::vector<std::byte> to(payload.size() + 4096);
    const auto aligned = [](std::vector<std::byte>& bytes, std::size_t offset) {
        const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
        return bytes.data() + (4 - address % 4) % 4 + offset;
    };
    std::byte* source = aligned(from, 100);
    std::byte* target = aligned(to, 2000);
    std::memcpy(source, payload.data(), payload.size());
    const auto source_region = job[0]->board().pin(source, payload.size());
    const auto target_region = job[1]->board().pin(target, payload.size());
    ASSERT_TRUE(source_region.ok()) << source_region.message();
    ASSERT_TRUE(target_region.ok()) << target_region.message();
    job[1]->open_window(5, 0x7700 << 6, 0, *target_region);
    job[0]->put(1, *source_region, 0x7700 << 6 | 5, 0);
    job[0]->send(1, {1, 1}, {});
    EXPECT_EQ(job[1]->take().user[0], 1U) << "after the deposit";
    EXPECT_EQ(std::memcmp(target, payload.data(), payload.size()), 0);
    EXPECT_EQ(to[0], std::byte{0});
    job[0]->board().unpin(*source_region);
    job[1]->board().unpin(*target_region);
}

TEST_P(Attach, UnpinnedMemoryIsOutOfReach) {
    RunningEmulator emulator(options());
    auto job = make_job(emulator.name(), 2);
    std::vector<std::byte> to(8192);
    const auto region = job[1]->board().pin(to.data(), to.size());
    ASSERT_TRUE(region.ok());
    job[1]->open_window(0, 0x100, 0, *region);
    job[1]->board().unpin(*region);
    std::vector<std::byte> from(4096, std::byte{7});
    const auto source = job[0]->board().pin(from.data(), from.size());
    ASSERT_TRUE(source.ok());
    job[0]->put(1, *source, 0x100, 0);
    job[1]->send(0, {1, 1}, {});
    // The sender is told, one way or the other, and the memory is as it was.
    Arrived packet = job[0]->take();
    EXPECT_TRUE(packet.kind == FM_KIND_DATA || packet.kind == FM_KIND_EVENT);
    emulator.stop();
    EXPECT_EQ(to, std::vector<std::byte>(8192));
}

TEST_P(Attach, TheSamePagesCanBePinnedAgainAndAgain) {
    RunningEmulator emulator(options());
    auto job = make_job(emulator.name(), 1);
    std::vector<std::byte> memory(std::size_t{1} << 20);
    for (int i = 0; i < 100; ++i) {
        auto region = job[0]->board().pin(memory.data(), memory.size());
        // Pages come back when the firmware has confirmed it.
        for (int tries = 0; !region && tries < 100'000; ++tries) {
            ASSERT_EQ(region.status(), adi::Status::again) << region.message();
            region = job[0]->board().pin(memory.data(), memory.size());
        }
        ASSERT_TRUE(region.ok()) << i;
        job[0]->board().unpin(*region);
    }
}

TEST_P(Attach, ADeadProcessLeavesItsEndpoint) {
    RunningEmulator emulator(options());
    dev::fm::EndpointRequest request;
    for (unsigned round = 0; round < 3; ++round) {
        // All endpoints of a board, given back by the end of their connections.
        std::vector<std::uint32_t> same(FM_ENDPOINTS, 1);
        auto job = make_job(emulator.name(), FM_ENDPOINTS, request, same);
        request.node = 0;
        request.nodes = 1;
        request.key = 99;
        request.board = 1;
        const auto more = dev::fm::open_emulated_board(emulator.name(), request);
        EXPECT_FALSE(more.ok());
        EXPECT_NE(more.message().find("taken"), std::string::npos) << more.message();
        job[0]->send(3, {round, 0}, some_bytes(4, round));
        EXPECT_EQ(job[3]->take().user[0], round);
        job.clear();
        for (;;) {  // until the firmware has closed them
            const auto again = dev::fm::open_emulated_board(emulator.name(), request);
            if (again.ok()) break;
            sched_yield();
        }
        request = {};
    }
}

TEST(AttachFast, AKilledProcessIsNoticed) {
    emulator::EmulatorOptions options;
    options.boards = 2;
    RunningEmulator emulator(options);
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        dev::fm::EndpointRequest request;
        request.key = 7;
        request.board = 0;
        auto board = dev::fm::open_emulated_board(emulator.name(), request);
        const char byte = board.ok() ? 'y' : 'n';
        [[maybe_unused]] const ssize_t written = ::write(pipe_ends[1], &byte, 1);
        ::pause();
        ::_exit(0);
    }
    char byte = 0;
    ASSERT_EQ(::read(pipe_ends[0], &byte, 1), 1);
    EXPECT_EQ(byte, 'y');
    dev::fm::EndpointRequest request;
    request.key = 7;
    request.board = 0;
    const auto twice = dev::fm::open_emulated_board(emulator.name(), request);
    EXPECT_FALSE(twice.ok()) << "that node is attached";
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    for (;;) {
        if (dev::fm::open_emulated_board(emulator.name(), request).ok()) break;
        sched_yield();
    }
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
}

TEST(AttachFast, ASleeperIsWoken) {
    emulator::EmulatorOptions options;
    options.boards = 2;
    RunningEmulator emulator(options);
    auto job = make_job(emulator.name(), 2);
    dev::fm::Board& sleeper = job[1]->board();
    Arrived packet;
    for (unsigned round = 0; round < 20; ++round) {
        std::thread sender([&] {
            ::usleep(1000);
            job[0]->send(1, {round, 0}, {});
        });
        std::uint32_t* events = sleeper.events();
        while (!job[1]->receive(packet)) {
            const std::uint32_t before = std::atomic_ref(*events).load();
            sleeper.publish(&sleeper.endpoint()->interrupt, 1);
            sleeper.kick();
            if (job[1]->receive(packet)) break;
            // Without a limit: an interrupt that does not come is a test that does not end.
            adi::futex_wait(events, before);
        }
        EXPECT_EQ(packet.user[0], round);
        sender.join();
    }
}

TEST(AttachFast, NonsenseIsRefused) {
    emulator::EmulatorOptions options;
    options.boards = 2;
    RunningEmulator emulator(options);
    const auto open = [&](auto change) {
        dev::fm::EndpointRequest request;
        request.key = 5;
        change(request);
        return dev::fm::open_emulated_board(emulator.name(), request);
    };
    EXPECT_FALSE(open([](auto& r) { r.key = 0; }).ok());
    EXPECT_FALSE(open([](auto& r) { r.nodes = 0; }).ok());
    EXPECT_FALSE(open([](auto& r) { r.nodes = 257; }).ok());
    EXPECT_FALSE(open([](auto& r) { r.node = 1; }).ok());
    EXPECT_FALSE(open([](auto& r) { r.ring_slots = 48; }).ok());
    EXPECT_FALSE(open([](auto& r) { r.ring_slots = 2048; }).ok());
    EXPECT_FALSE(open([](auto& r) { r.staging_pages = 100'000; }).ok());
    EXPECT_FALSE(open([](auto& r) { r.board = 2; }).ok());
    auto good = open([](auto&) {});
    ASSERT_TRUE(good.ok()) << good.message();
    dev::fm::Board& board = **good;
    EXPECT_FALSE(board.connect({board.place() ^ 1U << 24}).ok()) << "its own place is another";
    EXPECT_FALSE(board.connect({}).ok());
    EXPECT_TRUE(board.connect({board.place()}).ok());
    EXPECT_FALSE(board.connect({board.place()}).ok()) << "once";
    EXPECT_FALSE(board.pin(nullptr, 4096).ok()) << "nothing is there";
    EXPECT_FALSE(board.pin(&options, 0).ok());
    EXPECT_FALSE(board.pin(&options, std::uint64_t{1} << 40).ok());
    void* low = reinterpret_cast<void*>(~std::uintptr_t{0} - 100);
    EXPECT_FALSE(board.pin(low, 4096).ok());
    board.unpin({0, 0, 4096});  // the ring's first page: not the process's to give back
    board.unpin({4095, 0, 1u << 20});
    board.unpin({~0U, ~0U, ~std::uint64_t{0}});
    EXPECT_TRUE(board.pin(&options, sizeof options).ok()) << "it still listens";
}

TEST(AttachFast, GarbageOnTheSocketEndsThatConnectionAlone) {
    emulator::EmulatorOptions options;
    options.boards = 2;
    RunningEmulator emulator(options);
    auto job = make_job(emulator.name(), 2);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, emulator.name().data(), emulator.name().size());
    const auto length =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + emulator.name().size());
    std::uint64_t random = 1;
    for (unsigned round = 0; round < 200; ++round) {
        const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), length), 0);
        fm_attach_request request;
        for (std::size_t i = 0; i < sizeof request; i += 8) {
            random = random * 6364136223846793005U + 1442695040888963407U;
            std::memcpy(reinterpret_cast<char*>(&request) + i, &random, 8);
        }
        if (round % 4 != 0) request.version = FM_ATTACH_VERSION;
        if (round % 4 >= 2) request.op = FM_ATTACH_OPEN + round % 5;
        const std::size_t bytes = round % 3 == 0 ? round : sizeof request;
        [[maybe_unused]] ssize_t done = ::send(fd, &request, bytes, MSG_NOSIGNAL);
        done = ::send(fd, &request, sizeof request, MSG_NOSIGNAL);
        ::close(fd);
    }
    job[0]->send(1, {1, 2}, some_bytes(50, 1));
    EXPECT_EQ(job[1]->take().payload, some_bytes(50, 1));
}

TEST(AttachFast, WhatIsSharedCannotBeShrunk) {
    emulator::EmulatorOptions options;
    options.boards = 1;
    RunningEmulator emulator(options);
    auto job = make_job(emulator.name(), 1);
    auto shared = emulator::SharedMemory::create("test", 8192);
    ASSERT_TRUE(shared.ok());
    EXPECT_NE(::ftruncate(shared->fd(), 0), 0);
    EXPECT_EQ(errno, EPERM);
    ASSERT_TRUE(shared->seal_writes());
    EXPECT_EQ(::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, shared->fd(), 0),
              MAP_FAILED);
    void* readable = ::mmap(nullptr, 8192, PROT_READ, MAP_SHARED, shared->fd(), 0);
    EXPECT_NE(readable, MAP_FAILED);
    ::munmap(readable, 8192);
}

TEST(AttachTimed, TheSameProgramTakesTheSameTime) {
    std::int64_t times[2] = {};
    for (std::int64_t& time : times) {
        emulator::EmulatorOptions options;
        options.boards = 2;
        options.machine = emulator::find_machine("ppro200");
        RunningEmulator emulator(options);
        auto job = make_job(emulator.name(), 2);
        for (const auto& node : job) node->alone();
        std::thread other([&] {
            // Says that it is there: until then time goes on without it.
            job[1]->send(0, {7, 0}, {});
            for (unsigned i = 0; i < 50; ++i) {
                const Arrived packet = job[1]->take();
                job[1]->send(0, packet.user, packet.payload);
            }
            job[1]->board().clock()->away();
        });
        EXPECT_EQ(job[0]->take().user[0], 7U);
        const std::int64_t begin = job[0]->board().clock()->now_ps();
        for (unsigned i = 0; i < 50; ++i) {
            job[0]->send(1, {i, 0}, some_bytes(16, i));
            EXPECT_EQ(job[0]->take().user[0], i);
        }
        time = job[0]->board().clock()->now_ps() - begin;
        job[0]->board().clock()->away();
        other.join();
        EXPECT_GT(time, 50 * 2 * 1'000'000) << "a packet takes more than a microsecond";
        EXPECT_LT(time, 50 * 2 * std::int64_t{100'000'000});
    }
    // The first packets depend on when the two joined; the rest do not.
    EXPECT_NEAR(static_cast<double>(times[0]), static_cast<double>(times[1]),
                0.02 * static_cast<double>(times[0]));
}

}  // namespace
