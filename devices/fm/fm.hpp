// The fm device: MPI's messages as streams of Fast Messages on a Myrinet board. README.md says how.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adi/device.hpp"
#include "devices/fm/endpoint.hpp"
#include "devices/fm/join.hpp"
#include "devices/fm/mpi_header.hpp"

namespace dev::fm {

/// A message is a header (mpi_header.hpp) and its payload, both pieces of one stream. Long ones are
/// put into the receiver's memory, where the engine asks for that.
class Fm final : public adi::Device {
  public:
    /// Opens the endpoint of a node of so many.
    using OpenBoard = std::function<adi::Result<std::unique_ptr<Board>>(Node node, Node nodes)>;

    /// On the board that the environment names.
    Fm() = default;
    /// On another one.
    explicit Fm(OpenBoard open) : open_board_(std::move(open)) {}
    ~Fm() override { close(); }

    const char* name() const override { return "fm"; }
    const adi::Capabilities& capabilities() const override { return capabilities_; }

    adi::Result<bool> probe(const adi::OpenInfo& info) override;
    adi::Status open(const adi::OpenInfo& info, std::string* error) override;
    std::string address() const override { return place_to_text(place_); }
    bool reaches(adi::Peer peer) const override { return peer < info_.size; }
    adi::Status connect(adi::Peer peer, std::string* error) override;
    void disconnect(adi::Peer) override {}
    adi::Status quiesce(std::chrono::steady_clock::time_point deadline) override;
    void close() override;

    int poll(adi::Sink& sink, int budget) override;
    adi::Park prepare_park(bool by_fd) override;
    void cancel_park() override;
    void wake() override;

    adi::Status send_short(adi::Peer peer, const adi::Header& header,
                           const adi::Buffer& payload) override;
    adi::Status begin(adi::SendStream& stream, adi::Peer peer, const adi::Header& header) override;
    std::uint64_t send_piece(adi::SendStream& stream, const adi::Buffer& source,
                             std::uint64_t offset, std::uint64_t bytes) override;
    adi::Status end(adi::SendStream& stream) override;

    adi::Status receive(adi::ReceiveStream& stream, const adi::Buffer& target, std::uint64_t offset,
                        std::uint32_t accept) override;
    void discard(adi::ReceiveStream& stream) override;

    adi::Status reg(void* address, std::uint64_t bytes, adi::Peer peer,
                    adi::MemoryKey* key) override;
    void dereg(const adi::MemoryKey& key) override;
    adi::Status put(adi::Peer peer, const void* address, std::uint64_t bytes,
                    const adi::MemoryKey& key, void* token) override;

    std::int64_t clock_ns() override;
    void idle() override;

  private:
    /// The message that is coming from a peer. `stream` comes first: it leads back here.
    struct Inbound {
        adi::ReceiveStream stream;
        MpiHeader head;
        std::uint32_t header_have = 0;       ///< bytes of it that are here
        const std::byte* payload = nullptr;  ///< of the packet being shown
        std::uint32_t payload_bytes = 0;
        bool dropped = false;
        bool later = false;  ///< receive() answered `again`: on_received is due
        bool dead = false;   ///< it sent what makes no sense; not looked at any more
    };
    struct Taker;

    void use_puts();
    void go_away();
    void on_packet(adi::Sink& sink, const Packet& packet);
    const char* take(adi::Sink& sink, Inbound& in, const Packet& packet);
    void move_payload(Inbound& in);
    void charge(Clock::Work work) {
        if (clock_ != nullptr) [[unlikely]]
            clock_->charge(work);
    }

    OpenBoard open_board_;
    adi::Capabilities capabilities_;
    adi::OpenInfo info_;
    std::uint32_t place_ = 0;
    std::unique_ptr<Board> board_;  ///< until all peers' places are known
    std::unique_ptr<Endpoint> endpoint_;
    Clock* clock_ = nullptr;
    std::vector<OutMessage> outbound_;
    std::vector<Inbound> inbound_;
};

/// For the registry of devices.
std::unique_ptr<adi::Device> make();

}  // namespace dev::fm
