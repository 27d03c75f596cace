// Where a fabric meets a remote link: packets that leave it become frames, frames become packets.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "adi/base/status.hpp"
#include "firmware/emulator/fabric.hpp"
#include "firmware/emulator/remote_link.hpp"
#include "firmware/emulator/topology.hpp"

namespace emulator {

class RemoteEnd final : private FarSide {
  public:
    /// More than this waiting to go on in the fabric, after STOP: the other side broke the rules.
    static constexpr std::size_t kMostWaiting = 16U << 20;

    static adi::Result<std::unique_ptr<RemoteEnd>> open(Fabric& fabric, const Topology::Link& link);
    explicit RemoteEnd(Fabric& fabric);
    ~RemoteEnd();

    /// The channels out of the fabric, to `outlet`, and into it, from the inlet.
    void plug(Channel& out, Channel& in);
    bool news() const { return link_->news(); }
    /// Takes what came. `joined_changed` is called when joined() has.
    void poll(const std::function<void()>& joined_changed);
    /// The other emulator is there, and is who it should be.
    bool joined() const { return session_ != 0; }
    const RemoteLink& link() const { return *link_; }

    Feeder outlet;

  private:
    void outlet_ready() override;
    void outlet_lost() override;
    void inlet_free() override;
    void take(RemoteFrame& frame);
    void take_data(RemoteFrame& frame);
    void forget_open();
    void part();
    void say(RemoteFrame::Type type);

    Fabric& fabric_;
    std::unique_ptr<RemoteLink> link_;
    Feeder inlet_;
    std::uint32_t session_ = 0;  // 0: none
    Worm* open_ = nullptr;       // packet whose tail is still to come
    bool throwing_ = false;      // what comes up to the next tail is of a packet that is lost
    bool told_stop_ = false;
    bool was_told_stop_ = false;
};

}  // namespace emulator
