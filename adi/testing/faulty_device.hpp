// FaultyDevice: a device around another one that makes everything go wrong that may go wrong under
// the contract, by a seed. What is above it must not notice more than delay.
#pragma once

#include <memory>
#include <random>
#include <utility>

#include "adi/testing/forwarding_device.hpp"

namespace adi::testing {

/// How often, in percent of the calls, which fault happens.
struct Faults {
    unsigned again = 30;     ///< a send answers `again` though there was room
    unsigned delay = 30;     ///< poll() does nothing
    unsigned truncate = 50;  ///< send_piece() takes a part only
    /// After this many polls each peer is reported dead, once; 0: never.
    unsigned disconnect_after = 0;
};

class FaultyDevice final : public ForwardingDevice {
  public:
    FaultyDevice(std::unique_ptr<Device> inner, Faults faults, unsigned seed)
        : ForwardingDevice(std::move(inner)), faults_(faults), random_(seed) {}

    Status open(const OpenInfo& info, std::string* error) override {
        size_ = info.size;
        return inner_->open(info, error);
    }

    int poll(Sink& sink, int budget) override {
        if (faults_.disconnect_after != 0 && ++polls_ == faults_.disconnect_after) {
            for (Peer peer = 0; peer < size_; ++peer) {
                if (inner_->reaches(peer)) sink.on_fault(peer, Status::peer_failed, "injected");
            }
            return 1;
        }
        return happens(faults_.delay) ? 0 : inner_->poll(sink, budget);
    }
    // Injected faults wake nobody when they are over, as a real device would: so from the
    // announcement of a sleep on there are none.
    Park prepare_park(bool by_fd) override {
        ++parked_;
        return inner_->prepare_park(by_fd);
    }
    void cancel_park() override {
        --parked_;
        inner_->cancel_park();
    }

    Status send_short(Peer peer, const Header& header, const Buffer& payload) override {
        return happens(faults_.again) ? Status::again : inner_->send_short(peer, header, payload);
    }
    Status begin(SendStream& stream, Peer peer, const Header& header) override {
        return happens(faults_.again) ? Status::again : inner_->begin(stream, peer, header);
    }
    std::uint64_t send_piece(SendStream& stream, const Buffer& source, std::uint64_t offset,
                             std::uint64_t bytes) override {
        if (happens(faults_.again)) return 0;
        if (bytes > 1 && happens(faults_.truncate)) bytes = 1 + random_() % (bytes - 1);
        return inner_->send_piece(stream, source, offset, bytes);
    }

    Status post(const Header& wanted, void* token) override {
        return happens(faults_.again) ? Status::again : inner_->post(wanted, token);
    }
    Status get(Peer peer, std::uint64_t address, void* to, std::uint64_t bytes) override {
        return happens(faults_.again) ? Status::unsupported : inner_->get(peer, address, to, bytes);
    }
    // What cannot be registered or put now has to come as data.
    Status reg(void* address, std::uint64_t bytes, Peer peer, MemoryKey* key) override {
        return happens(faults_.again) ? Status::again : inner_->reg(address, bytes, peer, key);
    }
    Status put(Peer peer, const void* address, std::uint64_t bytes, const MemoryKey& key,
               void* token) override {
        if (happens(faults_.again)) return Status::again;
        if (happens(faults_.truncate / 2)) return Status::unsupported;
        return inner_->put(peer, address, bytes, key, token);
    }

  private:
    bool happens(unsigned percent) {
        return parked_ == 0 && percent != 0 && random_() % 100 < percent;
    }

    Faults faults_;
    std::mt19937 random_;
    Peer size_ = 0;
    unsigned polls_ = 0;
    int parked_ = 0;
};

}  // namespace adi::testing
