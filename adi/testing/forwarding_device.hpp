// A device that hands every call on to another one: for decorators, which change some of them.
#pragma once

#include <memory>
#include <utility>

#include "adi/device.hpp"

namespace adi::testing {

class ForwardingDevice : public Device {
  public:
    explicit ForwardingDevice(std::unique_ptr<Device> inner) : inner_(std::move(inner)) {}

    const char* name() const override { return inner_->name(); }
    const Capabilities& capabilities() const override { return inner_->capabilities(); }
    Result<bool> probe(const OpenInfo& info) override { return inner_->probe(info); }
    Status open(const OpenInfo& info, std::string* error) override {
        return inner_->open(info, error);
    }
    std::string address() const override { return inner_->address(); }
    bool reaches(Peer peer) const override { return inner_->reaches(peer); }
    Status connect(Peer peer, std::string* error) override { return inner_->connect(peer, error); }
    void disconnect(Peer peer) override { inner_->disconnect(peer); }
    Status quiesce(std::chrono::steady_clock::time_point deadline) override {
        return inner_->quiesce(deadline);
    }
    void close() override { inner_->close(); }
    int poll(Sink& sink, int budget) override { return inner_->poll(sink, budget); }
    Park prepare_park(bool by_fd) override { return inner_->prepare_park(by_fd); }
    void cancel_park() override { inner_->cancel_park(); }
    void wake() override { inner_->wake(); }
    Status send_short(Peer peer, const Header& header, const Buffer& payload) override {
        return inner_->send_short(peer, header, payload);
    }
    Status begin(SendStream& stream, Peer peer, const Header& header) override {
        return inner_->begin(stream, peer, header);
    }
    std::uint64_t send_piece(SendStream& stream, const Buffer& source, std::uint64_t offset,
                             std::uint64_t bytes) override {
        return inner_->send_piece(stream, source, offset, bytes);
    }
    Status end(SendStream& stream) override { return inner_->end(stream); }
    Status receive(ReceiveStream& stream, const Buffer& target, std::uint64_t offset,
                   std::uint32_t accept) override {
        return inner_->receive(stream, target, offset, accept);
    }
    void discard(ReceiveStream& stream) override { inner_->discard(stream); }
    void* allocate(std::uint64_t bytes, MemoryKey* key) override {
        return inner_->allocate(bytes, key);
    }
    void deallocate(void* memory, const MemoryKey& key) override {
        inner_->deallocate(memory, key);
    }
    void* map(Peer peer, const MemoryKey& key) override { return inner_->map(peer, key); }
    void signal(Peer peer) override { inner_->signal(peer); }
    Status get(Peer peer, std::uint64_t address, void* to, std::uint64_t bytes) override {
        return inner_->get(peer, address, to, bytes);
    }
    Status reg(void* address, std::uint64_t bytes, Peer peer, MemoryKey* key) override {
        return inner_->reg(address, bytes, peer, key);
    }
    void dereg(const MemoryKey& key) override { inner_->dereg(key); }
    Status put(Peer peer, const void* address, std::uint64_t bytes, const MemoryKey& key,
               void* token) override {
        return inner_->put(peer, address, bytes, key, token);
    }
    bool matches(Peer peer) const override { return inner_->matches(peer); }
    Status post(const Header& wanted, void* token) override { return inner_->post(wanted, token); }
    void retract(void* token) override { inner_->retract(token); }
    void watch() override { inner_->watch(); }
    std::int64_t clock_ns() override { return inner_->clock_ns(); }
    void idle() override { inner_->idle(); }

  protected:
    std::unique_ptr<Device> inner_;
};

}  // namespace adi::testing
