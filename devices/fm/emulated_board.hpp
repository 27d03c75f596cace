// A board of the emulator (firmware/emulator), attached to by firmware/protocol/attach.h: shared
// memory for the hot path, a local socket to the driver for the rest.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "devices/fm/board.hpp"
#include "devices/fm/lockstep_clock.hpp"
#include "firmware/protocol/attach.h"

namespace dev::fm {

class EmulatedBoard final : public Board {
  public:
    static adi::Result<std::unique_ptr<Board>> open(const std::string& name,
                                                    const EndpointRequest& request);
    ~EmulatedBoard() override;
    EmulatedBoard(const EmulatedBoard&) = delete;
    EmulatedBoard& operator=(const EmulatedBoard&) = delete;

    std::uint32_t place() const override { return place_; }
    adi::Result<bool> connect(const std::vector<std::uint32_t>& places) override;
    adi::Result<Region> pin(void* address, std::uint64_t bytes) override;
    void unpin(const Region& region) override;
    std::uint32_t* events() const override { return &status_->events; }
    void wake() override;
    bool dead() const override;

  private:
    struct Mapping {
        std::byte* data = nullptr;
        std::size_t bytes = 0;
    };

    void rouse() override;
    explicit EmulatedBoard(const EndpointRequest& request) : request_(request) {}
    adi::Result<bool> attach(const std::string& name);
    adi::Result<bool> map(std::span<const int> descriptors, bool timed);
    std::byte* map_one(int fd, std::size_t bytes, bool writable);
    std::optional<fm_attach_answer> ask(const fm_attach_request& request,
                                        std::vector<int>* descriptors = nullptr);

    EndpointRequest request_;
    int socket_ = -1;
    std::uint32_t place_ = 0;
    std::vector<Mapping> mappings_;
    fm_host_status* status_ = nullptr;
    fm_fabric_page* fabric_ = nullptr;
    std::unique_ptr<LockstepClock> lockstep_;
    mutable std::uint32_t looks_ = 0;  // calls of dead()
    mutable bool gone_ = false;
};

}  // namespace dev::fm
