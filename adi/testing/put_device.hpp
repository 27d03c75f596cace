// PutDevice: a device around another one, between threads of one process, that also puts. For tests
// of the engine's zero-copy rendezvous on devices that have none.
#pragma once

#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "adi/testing/forwarding_device.hpp"

namespace adi::testing {

class PutDevice final : public ForwardingDevice {
  public:
    static constexpr std::uint32_t kLeadBytes = 5000;
    static constexpr std::uint64_t kPutBytes = 3000;
    static constexpr std::uint64_t kMostBytes = 100'001;  // no multiple of the alignment
    static constexpr std::size_t kMostKeys = 3;
    static constexpr std::uint32_t kAlign = 4;
    static constexpr std::uint64_t kDeclined = 7;  ///< each so many puts one cannot be had

    /// Counts in `registered` what is registered and not taken back.
    PutDevice(std::unique_ptr<Device> inner, std::size_t* registered)
        : ForwardingDevice(std::move(inner)), registered_(registered) {}

    const Capabilities& capabilities() const override { return capabilities_; }
    Status open(const OpenInfo& info, std::string* error) override {
        const Status s = inner_->open(info, error);
        capabilities_ = inner_->capabilities();
        capabilities_.get_bytes = ~std::uint64_t{0};
        capabilities_.lead_bytes = kLeadBytes;
        capabilities_.put_bytes = kPutBytes;
        capabilities_.put_most_bytes = kMostBytes;
        capabilities_.put_align = kAlign;
        return s;
    }
    int poll(Sink& sink, int budget) override {
        int done = 0;
        for (; !done_.empty(); ++done) {
            void* token = done_.front();
            done_.pop_front();
            sink.on_put(token, Status::ok);
        }
        return done + inner_->poll(sink, budget);
    }
    Status get(Peer, std::uint64_t, void*, std::uint64_t) override { return Status::unsupported; }

    Status reg(void* address, std::uint64_t bytes, Peer, MemoryKey* key) override {
        if (bytes > kMostBytes || misaligned(address, bytes)) return Status::bad_argument;
        if (mine_.size() == kMostKeys) return Status::again;
        const std::lock_guard lock(table().mutex);
        key->value = ++table().last;
        key->bytes = bytes;
        table().memory[key->value] = {static_cast<std::byte*>(address), bytes};
        mine_.insert(key->value);
        ++*registered_;
        return Status::ok;
    }
    void dereg(const MemoryKey& key) override {
        const std::lock_guard lock(table().mutex);
        *registered_ -= mine_.erase(key.value);
        table().memory.erase(key.value);
    }
    Status put(Peer, const void* address, std::uint64_t bytes, const MemoryKey& key,
               void* token) override {
        if (misaligned(address, bytes)) return Status::bad_argument;
        if (++puts_ % kDeclined == 0) return Status::unsupported;
        const std::lock_guard lock(table().mutex);
        const auto found = table().memory.find(key.value);
        if (found == table().memory.end() || bytes > found->second.bytes) return Status::corrupt;
        std::memcpy(found->second.address, address, bytes);
        done_.push_back(token);
        return Status::ok;
    }

  private:
    struct Memory {
        std::byte* address;
        std::uint64_t bytes;
    };
    struct Table {
        std::mutex mutex;
        std::uint64_t last = 0;
        std::map<std::uint64_t, Memory> memory;
    };
    static Table& table() {
        static Table all;
        return all;
    }
    static bool misaligned(const void* address, std::uint64_t bytes) {
        return (reinterpret_cast<std::uintptr_t>(address) | bytes) % kAlign != 0 || bytes == 0;
    }

    Capabilities capabilities_;
    std::uint64_t puts_ = 0;
    std::set<std::uint64_t> mine_;
    std::size_t* registered_;
    std::deque<void*> done_;
};

}  // namespace adi::testing
