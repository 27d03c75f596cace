// Control messages that come in parts, as the contract lets a device show them and no engine's
// are: the engine refuses them, and is what it was before.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adi/engine/engine.hpp"
#include "adi/engine/protocol.hpp"
#include "adi/testing/local_bootstrap.hpp"

namespace adi {
namespace {

constexpr Peer kPeer = 1;
constexpr std::size_t kLong = 4096;

/// The way to rank 1, which is not there: it keeps what is sent, and the test says what comes.
class ScriptedDevice final : public Device {
  public:
    explicit ScriptedDevice(bool can_put) {
        capabilities_.short_bytes = 96;
        capabilities_.eager_bytes = 1024;
        if (!can_put) return;
        capabilities_.put_bytes = 1025;
        capabilities_.put_most_bytes = 1 << 20;
    }

    const char* name() const override { return "scripted"; }
    const Capabilities& capabilities() const override { return capabilities_; }
    Result<bool> probe(const OpenInfo&) override { return true; }
    Status open(const OpenInfo&, std::string*) override { return Status::ok; }
    std::string address() const override { return {}; }
    bool reaches(Peer peer) const override { return peer == kPeer; }
    Status connect(Peer, std::string*) override { return Status::ok; }
    void disconnect(Peer) override {}
    Status quiesce(std::chrono::steady_clock::time_point) override { return Status::ok; }
    void close() override {}
    Park prepare_park(bool) override { return {}; }
    void cancel_park() override {}
    void wake() override {}

    Status send_short(Peer, const Header& header, const Buffer& payload) override {
        sent.push_back(header);
        sent_bytes.resize(header.bytes);
        payload.read(0, sent_bytes.data(), header.bytes);
        return Status::ok;
    }
    Status begin(SendStream& stream, Peer peer, const Header& header) override {
        sent.push_back(header);
        stream = {peer, header, 0};
        return Status::ok;
    }
    std::uint64_t send_piece(SendStream& stream, const Buffer&, std::uint64_t,
                             std::uint64_t bytes) override {
        stream.sent_bytes += static_cast<std::uint32_t>(bytes);
        return bytes;
    }
    Status end(SendStream&) override { return Status::ok; }

    /// Of the next message so many bytes are there at once; the rest comes at the next poll.
    void arrives(const Header& header, const void* payload, std::size_t at_once) {
        stream_ = {};
        stream_.peer = kPeer;
        stream_.header = header;
        payload_.resize(header.bytes);
        std::memcpy(payload_.data(), payload, header.bytes);
        at_once_ = at_once;
        state_ = State::new_one;
    }
    int poll(Sink& sink, int) override {
        const State was = std::exchange(state_, State::none);
        if (was == State::new_one) sink.on_header(stream_);
        if (was == State::begun) {
            stream_.target.write(at_once_, payload_.data() + at_once_,
                                 stream_.accept_bytes - at_once_);
            sink.on_received(stream_);
        }
        return was == State::none ? 0 : 1;
    }
    Status receive(ReceiveStream& stream, const Buffer& target, std::uint64_t offset,
                   std::uint32_t accept) override {
        stream.target = target;
        stream.accept_bytes = accept;
        const bool whole = at_once_ >= accept;
        target.write(offset, payload_.data(), whole ? accept : at_once_);
        if (whole) return Status::ok;
        // Its memory stays valid until the rest is there, which that of a call does not.
        const auto here = reinterpret_cast<std::uintptr_t>(&whole);
        const auto there = reinterpret_cast<std::uintptr_t>(target.base);
        EXPECT_GT(std::max(here, there) - std::min(here, there), std::uintptr_t{64} * 1024);
        state_ = State::begun;
        return Status::again;
    }
    void discard(ReceiveStream&) override {}

    Status reg(void*, std::uint64_t bytes, Peer, MemoryKey* key) override {
        *key = {++registered, bytes};
        return Status::ok;
    }
    void dereg(const MemoryKey&) override { --registered; }
    Status put(Peer, const void*, std::uint64_t, const MemoryKey&, void*) override {
        ++puts;
        return Status::ok;
    }

    std::vector<Header> sent;
    std::vector<std::byte> sent_bytes;  ///< of the last short message
    std::uint64_t registered = 0;
    int puts = 0;

  private:
    enum class State { none, new_one, begun };
    Capabilities capabilities_;
    ReceiveStream stream_;
    std::vector<std::byte> payload_;
    std::size_t at_once_ = 0;
    State state_ = State::none;
};

/// Rank 0 of two, the other one being scripted.
class ControlInParts : public ::testing::Test {
  protected:
    void open(bool puts) {
        ::setenv("FATHOM_DEVICE", "self,shm", 1);
        Hooks hooks;
        hooks.fault = [this](Peer peer, Status why, const std::string& text) {
            EXPECT_EQ(peer, kPeer);
            EXPECT_EQ(why, Status::corrupt);
            faults_.push_back(text);
        };
        hooks.wrap = [&](std::unique_ptr<Device> device) -> std::unique_ptr<Device> {
            if (std::string_view(device->name()) != "shm") return device;
            auto scripted = std::make_unique<ScriptedDevice>(puts);
            device_ = scripted.get();
            return scripted;
        };
        engine_ = std::make_unique<Engine>();
        std::string error;
        ASSERT_EQ(engine_->start(boot_, hooks, &error), Status::ok) << error;
        ::unsetenv("FATHOM_DEVICE");
    }

    /// A whole message comes.
    void comes(const Header& header, const void* payload) {
        device_->arrives(header, payload, header.bytes);
        engine_->poll();
        ASSERT_TRUE(faults_.empty()) << faults_.front();
    }
    /// It comes cut in two, at every byte.
    void comes_in_parts(const Header& header, const void* payload) {
        const std::size_t sent = device_->sent.size();
        for (std::size_t at = 0; at < header.bytes; ++at) {
            device_->arrives(header, payload, at);
            for (int i = 0; i < 3; ++i) engine_->poll();
            ASSERT_EQ(faults_, std::vector<std::string>{"a control message in parts"}) << at;
            faults_.clear();
            ASSERT_EQ(device_->sent.size(), sent) << at;
        }
    }
    static Header control(MessageKind kind, std::size_t bytes, std::uint32_t cookie) {
        Header header;
        header.kind = static_cast<std::uint8_t>(kind);
        header.bytes = static_cast<std::uint32_t>(bytes);
        header.cookie = cookie;
        return header;
    }
    static Header rts_header() {
        Header header = control(MessageKind::rts, sizeof(RtsPayload), 77);
        header.context = 2;
        header.source = kPeer;
        header.tag = 5;
        return header;
    }
    MessageKind last_sent() const {
        return device_->sent.empty() ? MessageKind{}
                                     : static_cast<MessageKind>(device_->sent.back().kind);
    }
    /// Announces a long message to the peer; returns its cookie.
    std::uint32_t announce() {
        engine_->isend(request_, kPeer, {2, 0, 5}, contiguous(memory_.data(), kLong), false);
        EXPECT_EQ(last_sent(), MessageKind::rts);
        return device_->sent.back().cookie;
    }
    void receive() { engine_->irecv(request_, {2, kPeer, 5}, contiguous(memory_.data(), kLong)); }

    testing::LocalJob job_{2, 1};
    testing::LocalBootstrap boot_{job_, 0};
    std::unique_ptr<Engine> engine_;
    ScriptedDevice* device_ = nullptr;
    std::vector<std::string> faults_;
    alignas(64) std::array<std::byte, kLong> memory_{};
    Request request_;
};

TEST_F(ControlInParts, RequestToSend) {
    open(false);
    receive();
    const RtsPayload rts{kLong, 0};
    comes_in_parts(rts_header(), &rts);
    EXPECT_EQ(request_.stage, Request::Stage::posted);
    comes(rts_header(), &rts);
    EXPECT_EQ(last_sent(), MessageKind::cts);
}

TEST_F(ControlInParts, ClearToSend) {
    open(false);
    const std::uint32_t cookie = announce();
    const CtsPayload cts{kLong, 78, 0};
    const Header header = control(MessageKind::cts, sizeof cts, cookie);
    comes_in_parts(header, &cts);
    EXPECT_EQ(request_.stage, Request::Stage::announced);
    comes(header, &cts);
    while (!request_.complete()) engine_->poll();
    EXPECT_EQ(last_sent(), MessageKind::data);
}

TEST_F(ControlInParts, Grant) {
    open(true);
    const std::uint32_t cookie = announce();
    const GrantPayload grant{kLong, 0, kLong, 1, kLong, 78, 0};
    const Header header = control(MessageKind::grant, sizeof grant, cookie);
    comes_in_parts(header, &grant);
    EXPECT_EQ(request_.stage, Request::Stage::announced);
    EXPECT_EQ(device_->puts, 0);
    comes(header, &grant);
    for (int i = 0; i < 3; ++i) engine_->poll();
    EXPECT_EQ(device_->puts, 1);
    EXPECT_EQ(last_sent(), MessageKind::put_done);
}

TEST_F(ControlInParts, PutDone) {
    open(true);
    receive();
    Header rts_head = rts_header();
    rts_head.flags = kGettable;
    const RtsPayload rts{kLong, 4096};
    comes(rts_head, &rts);
    ASSERT_EQ(last_sent(), MessageKind::grant);
    ASSERT_EQ(device_->registered, 1U);
    GrantPayload grant;
    ASSERT_EQ(device_->sent_bytes.size(), sizeof grant);
    std::memcpy(&grant, device_->sent_bytes.data(), sizeof grant);
    const PutDonePayload done{grant.offset, grant.bytes, {}, {}};
    const Header header = control(MessageKind::put_done, sizeof done, grant.receiver_cookie);
    comes_in_parts(header, &done);
    EXPECT_EQ(device_->registered, 1U);
    EXPECT_FALSE(request_.complete());
    comes(header, &done);
    EXPECT_EQ(device_->registered, 0U);
    EXPECT_TRUE(request_.complete());
}

}  // namespace
}  // namespace adi
