// A process of a job on an emulated Myrinet, for fm_processes_test.py, which says who lives how
// long.
//
//   fm_process NAME KEY NODES NODE WHAT
//
// Prints its endpoint's place, reads the places of all nodes in a line, and then does WHAT; a line
// for each thing that happens.
#include <poll.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "devices/fm/endpoint.hpp"

namespace {

using adi::Status;
using dev::fm::Endpoint;

constexpr std::uint64_t kPutBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kMessages = 100;

[[noreturn]] void end(const std::string& why) {
    std::printf("%s\n", why.c_str());
    std::fflush(stdout);
    std::_Exit(1);
}

void say(const std::string& text) {
    std::printf("%s\n", text.c_str());
    std::fflush(stdout);
}

std::uint64_t next_random() {
    static std::uint64_t state = 88172645463325252U;
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

class Process final : public dev::fm::Sink {
  public:
    Process(std::unique_ptr<dev::fm::Board> board, std::uint32_t node, std::uint32_t nodes)
        : endpoint_(std::move(board), {.self = node, .nodes = nodes, .patience = 0}),
          received_(nodes) {}

    /// Sends numbers to all the others, for ever.
    void send() {
        say("sending");
        std::vector<std::uint64_t> sent(endpoint_.nodes());
        for (;;) {
            send_to_all(sent, ~std::uint64_t{0});
            extract();
        }
    }
    /// Sends and receives numbers, and ends when all have come.
    void exchange() {
        std::vector<std::uint64_t> sent(endpoint_.nodes());
        const auto done = [&] {
            for (std::uint32_t peer = 0; peer < endpoint_.nodes(); ++peer) {
                if (sent[peer] < kMessages || received_[peer] < kMessages) return false;
            }
            return endpoint_.idle();
        };
        while (!done()) {
            send_to_all(sent, kMessages);
            extract();
        }
        say("exchanged");
    }
    /// Takes what comes until a line says that node 1 is dead; then sends to it.
    void outlive() {
        std::vector<std::byte> memory(kPutBytes);
        dev::fm::WindowKey key = 0;
        if (endpoint_.open_window(1, memory.data(), memory.size(), &key) != Status::ok)
            end("no window");
        const auto bytes = adi::contiguous(&key, sizeof key);
        while (endpoint_.try_send(1, 0, nullptr, 0, bytes, 0, sizeof key) == Status::again)
            extract();
        pollfd told = {STDIN_FILENO, POLLIN, 0};
        while (::poll(&told, 1, 0) == 0) endpoint_.extract(*this);
        // It is dead by now, or will be known to be: a message to it says so, in time.
        for (int asked = 0; lost_ == 0; ++asked) {
            const Status sent = endpoint_.try_send(1, 0, nullptr, 0, bytes, 0, sizeof key);
            if (sent != Status::ok && sent != Status::again && !endpoint_.lost(1))
                end("another error than that it is dead");
            ::usleep(asked < 10 ? 20'000 : 300'000);
            endpoint_.extract(*this);
        }
        if (endpoint_.try_send(1, 0, nullptr, 0, bytes, 0, sizeof key) != Status::peer_failed)
            end("a message to a dead node was taken");
        endpoint_.close_window(key);
        say("lost node 1");
    }
    /// Sends to node 1, which does not look, until it may send no more, then goes on trying until
    /// that is lost.
    void starve() {
        while (endpoint_.try_send(1, 0, nullptr, 0, {}, 0, 0) == Status::ok) continue;
        while (!endpoint_.idle()) endpoint_.extract(*this);  // all have arrived
        say("sending");
        while (endpoint_.try_send(1, 0, nullptr, 0, {}, 0, 0) == Status::again) extract();
        say("lost node 1");
    }
    /// Deposits into the window of node 0, for ever.
    void put() {
        std::vector<std::byte> memory(kPutBytes);
        while (window_ == 0) extract();
        say("sending");
        for (;;) {
            if (puts_ < 4 &&
                endpoint_.put(0, memory.data(), memory.size(), window_, 0, 0) == Status::ok)
                ++puts_;
            extract();
        }
    }
    /// Attached, and alive, but never looks.
    void idle() {
        say("sending");
        for (;;) ::pause();
    }
    /// Fills its region of the board with nonsense, and with what is nearly sense, and says when
    /// the board has met some.
    void scribble() {
        bool met = false;
        auto* words = reinterpret_cast<std::uint32_t*>(endpoint_.board().endpoint());
        fm_slot* slots = endpoint_.board().endpoint()->slots;
        static std::byte memory[64 * FM_PAGE_BYTES];
        [[maybe_unused]] const auto region = endpoint_.board().pin(memory, sizeof memory);
        say("sending");
        for (std::uint32_t round = 0;; ++round) {
            for (std::uint32_t i = 0; i < FM_ENDPOINT_BYTES / 4; ++i)
                if (round % 2 == 0 || next_random() % 4 == 0)
                    words[i] = static_cast<std::uint32_t>(next_random());
            // Slots whose laps come true get looked at closer.
            for (std::uint32_t i = 0; i < FM_SEND_SLOTS && round % 2 == 1; ++i) {
                const auto r = static_cast<std::uint32_t>(next_random());
                slots[i].command = fm_be32((r % 4) << 24 | (r >> 8) % 8);
                slots[i].length = fm_be32(next_random() % 8 == 0 ? r : r % 5000 & ~3U);
                slots[i].page = fm_be32(r % 200);
                slots[i].offset = fm_be32(r % 4096 & ~3U);
                slots[i].lap = fm_be32(1 + r % (4 + round / 1000));
            }
            endpoint_.board().kick();
            if (!met && endpoint_.board().counters()->bad_descriptors != 0) {
                met = true;
                say("refused");
            }
        }
    }

    void on_packet(const dev::fm::Packet& packet) override {
        if (packet.node == 0 && packet.bytes == sizeof window_ && window_ == 0)
            std::memcpy(&window_, packet.data, sizeof window_);
        if (packet.bytes != sizeof(std::uint64_t)) return;
        std::uint64_t number = 0;
        std::memcpy(&number, packet.data, sizeof number);
        if (number != received_[packet.node]++) end("a message is missing, or came twice");
    }
    void on_lost(std::uint32_t node, Status, const char* what) override {
        // One that has exchanged all it had to may go.
        if (node != 1 && received_[node] < kMessages)
            end("lost node " + std::to_string(node) + ": " + what);
        ++lost_;
    }
    void on_put(std::uint64_t, Status) override { --puts_; }

  private:
    void extract() {
        if (endpoint_.board().dead()) end("the emulator is gone");
        if (endpoint_.extract(*this) == 0) endpoint_.wait();
    }
    void send_to_all(std::vector<std::uint64_t>& sent, std::uint64_t most) {
        for (std::uint32_t peer = 0; peer < endpoint_.nodes(); ++peer) {
            for (int i = 0; i < 16 && sent[peer] < most; ++i) {
                const auto bytes = adi::contiguous(&sent[peer], sizeof sent[peer]);
                if (endpoint_.try_send(peer, 0, nullptr, 0, bytes, 0, sizeof sent[peer]) !=
                    Status::ok)
                    break;
                ++sent[peer];
            }
        }
    }

    Endpoint endpoint_;
    std::vector<std::uint64_t> received_;
    int lost_ = 0;
    int puts_ = 0;
    dev::fm::WindowKey window_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) end("fm_process NAME KEY NODES NODE WHAT");
    dev::fm::EndpointRequest request;
    request.key = static_cast<std::uint32_t>(std::atoi(argv[2]));
    request.nodes = static_cast<std::uint32_t>(std::atoi(argv[3]));
    request.node = static_cast<std::uint32_t>(std::atoi(argv[4]));
    request.ring_slots = Endpoint::ring_slots_for(request.nodes);
    request.staging_pages = FM_SEND_SLOTS;
    auto board = dev::fm::open_emulated_board(argv[1], request);
    if (!board) end(board.message());
    say(std::to_string((*board)->place()));
    std::vector<std::uint32_t> places(request.nodes);
    for (std::uint32_t& place : places)
        if (std::scanf("%" SCNu32, &place) != 1) end("no places");
    const auto connected = (*board)->connect(places);
    if (!connected) end(connected.message());
    Process process(std::move(*board), request.node, request.nodes);
    const std::string what = argv[5];
    if (what == "send") process.send();
    if (what == "put") process.put();
    if (what == "idle") process.idle();
    if (what == "scribble") process.scribble();
    if (what == "starve") process.starve();
    if (what == "outlive") process.outlive();
    if (what == "exchange") process.exchange();
    return 0;
}
