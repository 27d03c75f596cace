// The self device: messages of a process to itself. README.md says how.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "adi/device.hpp"

namespace dev::self {

/// A queue in private memory: what is sent is kept until the next poll() shows it. Long messages
/// never lie here, the engine fetches them by get(), which is one memcpy.
class Self final : public adi::Device {
  public:
    const char* name() const override { return "self"; }
    const adi::Capabilities& capabilities() const override { return capabilities_; }

    adi::Result<bool> probe(const adi::OpenInfo&) override { return true; }
    adi::Status open(const adi::OpenInfo& info, std::string* error) override;
    std::string address() const override { return ""; }
    bool reaches(adi::Peer peer) const override { return peer == self_; }
    adi::Status connect(adi::Peer, std::string*) override { return adi::Status::ok; }
    void disconnect(adi::Peer) override {}
    adi::Status quiesce(std::chrono::steady_clock::time_point) override { return adi::Status::ok; }
    void close() override;

    int poll(adi::Sink& sink, int budget) override { return poll_into(sink, budget); }
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

    void* allocate(std::uint64_t bytes, adi::MemoryKey* key) override;
    void deallocate(void* memory, const adi::MemoryKey& key) override;
    void* map(adi::Peer peer, const adi::MemoryKey& key) override;
    void signal(adi::Peer) override { wake(); }
    adi::Status get(adi::Peer peer, std::uint64_t address, void* to, std::uint64_t bytes) override;

    /// poll() with the sink's type known.
    template <class S>
    int poll_into(S& sink, int budget) {
        int done = 0;
        for (; done < budget && first_ != last_whole_; ++done) {
            // The handler may send, which may move the queue: take the message out first.
            current_.swap(queue_[first_ % kSlots]);
            ++first_;
            shown_.header = current_.header;
            shown_.moved_bytes = 0;
            sink.on_header(shown_);
        }
        return done;
    }

  private:
    static constexpr std::uint32_t kSlots = 256;
    struct Message {
        adi::Header header;
        std::vector<std::byte> payload;  ///< keeps its capacity from message to message
        void swap(Message& other) {
            std::swap(header, other.header);
            payload.swap(other.payload);
        }
    };
    struct Shared {
        void* memory;
        std::uint64_t bytes;
    };

    adi::Capabilities capabilities_;
    adi::Peer self_ = 0;
    std::vector<Message> queue_;
    std::uint32_t first_ = 0;       ///< position of the next message to show
    std::uint32_t last_whole_ = 0;  ///< position after the last whole message
    Message current_;
    adi::ReceiveStream shown_;
    std::vector<Shared> shared_;
    std::uint32_t park_word_ = 0;
};

/// For the registry of devices.
std::unique_ptr<adi::Device> make();

}  // namespace dev::self
