// SimDevice: the device of a rank of a SimJob. Messages never find the way full; time is the job's.
#pragma once

#include "adi/device.hpp"
#include "adi/testing/sim_job.hpp"

namespace adi::testing {

/// A rank has two of them: one to the ranks of its host, as a device of shared memory would be
/// (which has no memory to give, though: what ranks store for each other takes no modelled time),
/// and one to all others. The messages of both are shown by the second one, in the order in which
/// they are ready.
class SimDevice final : public Device {
  public:
    enum class Reach : std::uint8_t { host, network };

    SimDevice(SimJob& job, Peer rank, Reach reach);
    const char* name() const override { return reach_ == Reach::host ? "sim-host" : "sim-network"; }
    const Capabilities& capabilities() const override { return capabilities_; }

    Result<bool> probe(const OpenInfo&) override { return true; }
    Status open(const OpenInfo&, std::string*) override { return Status::ok; }
    std::string address() const override { return {}; }
    bool reaches(Peer peer) const override;
    Status connect(Peer, std::string*) override { return Status::ok; }
    void disconnect(Peer) override {}
    Status quiesce(std::chrono::steady_clock::time_point) override { return Status::ok; }
    void close() override {}

    int poll(Sink& sink, int budget) override;
    // Nobody sleeps where there is a clock: idle() is called instead.
    Park prepare_park(bool) override { return {}; }
    void cancel_park() override {}
    void wake() override {}

    Status send_short(Peer peer, const Header& header, const Buffer& payload) override;
    Status begin(SendStream& stream, Peer peer, const Header& header) override;
    std::uint64_t send_piece(SendStream& stream, const Buffer& source, std::uint64_t offset,
                             std::uint64_t bytes) override;
    Status end(SendStream& stream) override;
    Status receive(ReceiveStream& stream, const Buffer& target, std::uint64_t offset,
                   std::uint32_t accept) override;
    void discard(ReceiveStream& stream) override { stream.moved_bytes = stream.header.bytes; }

    std::int64_t clock_ns() override { return job_.now(rank_) / 1000; }
    void idle() override { job_.idle(rank_); }

  private:
    SimJob& job_;
    Peer rank_;
    Reach reach_;
    Capabilities capabilities_;
    SimMessage* open_ = nullptr;   ///< between begin() and end(), which follow each other
    SimMessage* shown_ = nullptr;  ///< while on_header looks at it
};

}  // namespace adi::testing
