// For tests: an emulator in a thread, and processes' ends of boards that speak the layout directly,
// without Fast Messages above.
#pragma once

#include <gtest/gtest.h>

#include <sched.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "adi/base/futex.hpp"
#include "devices/fm/emulated_board.hpp"
#include "firmware/emulator/emulator.hpp"
#include "firmware/tools/firmware_image.hpp"

namespace emulator_test {

/// The emulator, in a thread; ready when the constructor returns.
class RunningEmulator {
  public:
    explicit RunningEmulator(emulator::EmulatorOptions options = {}) {
        static std::atomic<int> number = 0;
        name_ = "fathom-test-" + std::to_string(::getpid()) + "-" + std::to_string(++number);
        options.listen = name_;
        options.ready = [this] { ready_ = true; };
        auto made = emulator::Emulator::make(std::move(options), firmware::kControlProgram);
        if (!made) {
            ADD_FAILURE() << made.message();
            return;
        }
        emulator_ = std::move(*made);
        thread_ = std::thread([this] {
            good_ = emulator_->run();
            ready_ = true;
        });
        while (!ready_) sched_yield();
    }
    ~RunningEmulator() { stop(); }
    RunningEmulator(const RunningEmulator&) = delete;
    RunningEmulator& operator=(const RunningEmulator&) = delete;

    const std::string& name() const { return name_; }
    emulator::Emulator& operator*() { return *emulator_; }
    emulator::Emulator* operator->() { return emulator_.get(); }
    /// Ends the thread; what the emulator holds can then be looked at.
    void stop() {
        if (!thread_.joinable()) return;
        emulator_->stop();
        thread_.join();
        EXPECT_TRUE(good_) << emulator_->why();
    }

  private:
    std::string name_;
    std::unique_ptr<emulator::Emulator> emulator_;
    std::atomic<bool> ready_ = false;
    bool good_ = false;
    std::thread thread_;
};

/// A packet as it lies in the ring.
struct Arrived {
    std::uint32_t kind = 0;
    std::uint32_t source_node = 0;
    std::array<std::uint32_t, 2> user{};
    std::vector<std::byte> payload;
};

/// One endpoint of a job. Several of them mostly share one thread: in modelled time each is then
/// away but for its own calls, unless alone() was said.
class Node {
  public:
    Node(const std::string& name, const dev::fm::EndpointRequest& request) {
        auto board = dev::fm::open_emulated_board(name, request);
        if (!board)
            ADD_FAILURE() << board.message();
        else
            board_ = std::move(*board);
    }

    dev::fm::Board& board() { return *board_; }
    void alone() { alone_ = true; }
    /// Others' time goes on without this one.
    void rest() {
        if (board_->clock() != nullptr && !alone_) board_->clock()->away();
    }

    std::uint32_t sent_count() const { return next_; }

    void send(std::uint32_t destination, std::array<std::uint32_t, 2> user,
              const std::vector<std::byte>& payload) {
        wait_for_slot();
        fm_slot* slot = slot_of_next();
        write(slot, FM_OP_INLINE << 24 | destination, payload.size(), {}, {}, user);
        if (!payload.empty()) board_->pio_write(slot->payload, payload.data(), payload.size());
        publish(slot);
    }
    void send_page(std::uint32_t destination, std::array<std::uint32_t, 2> user, std::uint32_t page,
                   std::uint32_t offset, std::size_t bytes) {
        wait_for_slot();
        fm_slot* slot = slot_of_next();
        write(slot, FM_OP_PAGE << 24 | destination, bytes, {page, offset}, {}, user);
        publish(slot);
    }
    void put(std::uint32_t destination, const dev::fm::Region& from, std::uint32_t window,
             std::uint32_t window_offset) {
        wait_for_slot();
        fm_slot* slot = slot_of_next();
        write(slot, FM_OP_PUT << 24 | destination, from.bytes, {from.page, from.offset},
              {window, window_offset}, {});
        publish(slot);
    }

    /// The next packet, when there is one.
    bool receive(Arrived& packet) {
        if (board_->clock() != nullptr) board_->clock()->look();
        const std::uint32_t slots = board_->ring_slots();
        const std::byte* end = board_->ring(received_ % slots) + FM_PAGE_BYTES;
        const auto* footer = reinterpret_cast<const fm_footer*>(end - sizeof(fm_footer));
        if (board_->host_read(&footer->lap) != received_ / slots + 1) return false;
        const std::size_t bytes = board_->host_read(&footer->length) >> 16;
        const std::byte* data = end - sizeof(fm_footer) - (bytes + 3) / 4 * 4;
        const auto* wire = reinterpret_cast<const fm_wire*>(data - sizeof(fm_wire));
        packet.kind = board_->host_read(&wire->type) >> 8 & 0xff;
        packet.source_node = board_->host_read(&wire->source) >> 16 & 0xff;
        packet.user = {board_->host_read(&wire->user[0]), board_->host_read(&wire->user[1])};
        packet.payload.assign(data, data + bytes);
        ++received_;
        board_->publish(&board_->endpoint()->consumed, received_);
        board_->kick();
        rest();
        return true;
    }
    /// Waits for it, at most a minute of the wall clock.
    Arrived take() {
        Arrived packet;
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!receive(packet)) {
            if (std::chrono::steady_clock::now() > end) {
                ADD_FAILURE() << "no packet comes";
                break;
            }
            idle();
        }
        return packet;
    }

    void open_window(std::uint32_t index, std::uint32_t key, std::uint32_t source,
                     const dev::fm::Region& to) {
        fm_window* window = &board_->endpoint()->windows[index];
        board_->publish(&window->key, 0);
        board_->publish(&window->page, source << 16 | to.page);
        board_->publish(&window->offset, to.offset);
        board_->publish(&window->length, static_cast<std::uint32_t>(to.bytes));
        board_->publish(&window->key, key | index);
        rest();
    }

  private:
    fm_slot* slot_of_next() { return &board_->endpoint()->slots[next_ % FM_SEND_SLOTS]; }

    void idle() {
        if (board_->clock() != nullptr)
            board_->clock()->wait();
        else
            sched_yield();
    }

    void wait_for_slot() {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (next_ - board_->pio_read(&board_->endpoint()->send_done) >= FM_SEND_SLOTS) {
            if (std::chrono::steady_clock::now() > end) {
                ADD_FAILURE() << "no send slot comes free";
                return;
            }
            idle();
        }
    }

    void write(fm_slot* slot, std::uint32_t command, std::size_t bytes,
               std::array<std::uint32_t, 2> page, std::array<std::uint32_t, 2> window,
               std::array<std::uint32_t, 2> user) {
        const std::uint32_t words[] = {
            fm_be32(command),   fm_be32(static_cast<std::uint32_t>(bytes)),
            fm_be32(page[0]),   fm_be32(page[1]),
            fm_be32(window[0]), fm_be32(window[1])};
        board_->pio_write(&slot->command, words, sizeof words);
        const std::uint32_t users[] = {fm_be32(user[0]), fm_be32(user[1])};
        board_->pio_write(slot->wire.user, users, sizeof users);
    }
    void publish(fm_slot* slot) {
        board_->publish(&slot->lap, next_ / FM_SEND_SLOTS + 1);
        board_->kick();
        ++next_;
        rest();
    }

    std::unique_ptr<dev::fm::Board> board_;
    std::uint32_t next_ = 0;
    std::uint32_t received_ = 0;
    bool alone_ = false;
};

/// A job: all its endpoints in this process, connected.
inline std::vector<std::unique_ptr<Node>> make_job(const std::string& name, std::uint32_t nodes,
                                                   dev::fm::EndpointRequest request = {},
                                                   std::vector<std::uint32_t> boards = {}) {
    static std::atomic<std::uint32_t> key = 0x1000;
    request.nodes = nodes;
    request.key = ++key;
    std::vector<std::unique_ptr<Node>> job;
    std::vector<std::uint32_t> places;
    for (std::uint32_t node = 0; node < nodes; ++node) {
        request.node = node;
        request.board = node < boards.size() ? boards[node] : ~0U;
        job.push_back(std::make_unique<Node>(name, request));
        places.push_back(job.back()->board().place());
    }
    for (const auto& node : job) {
        const auto connected = node->board().connect(places);
        EXPECT_TRUE(connected.ok()) << connected.message();
    }
    for (const auto& node : job) node->rest();
    return job;
}

inline std::vector<std::byte> some_bytes(std::size_t count, unsigned seed) {
    std::vector<std::byte> bytes(count);
    for (std::size_t i = 0; i < count; ++i)
        bytes[i] = static_cast<std::byte>((i * 131 + seed * 17 + (i >> 8)) & 0xff);
    return bytes;
}

}  // namespace emulator_test
