// The device of libfabric: fast networks, by whichever provider the host has. README.md says how.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "adi/base/paged.hpp"
#include "adi/device.hpp"
#include "devices/look_pause.hpp"
#include "devices/ofi/fabric.hpp"
#include "devices/ofi/format.hpp"
#include "devices/ofi/providers.hpp"
#include "devices/ofi/tags.hpp"
#include "devices/reports.hpp"
#include "devices/sleep_fds.hpp"

namespace dev::ofi {

class Ofi final : public adi::Device {
  public:
    Ofi() = default;
    ~Ofi() override { close(); }

    const char* name() const override { return "ofi"; }
    const adi::Capabilities& capabilities() const override { return capabilities_; }

    adi::Result<bool> probe(const adi::OpenInfo& info) override;
    adi::Status open(const adi::OpenInfo& info, std::string* error) override;
    std::string address() const override { return card_; }
    bool reaches(adi::Peer peer) const override;
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

    bool matches(adi::Peer peer) const override;
    adi::Status post(const adi::Header& wanted, void* token) override;
    void retract(void* token) override;
    void watch() override;

    /// Frames that came here and proved nothing.
    std::uint64_t strangers() const { return strangers_; }
    const Fabric& fabric() const { return fabric_; }

  private:
    using Clock = std::chrono::steady_clock;

    /// What libfabric hands back with a completion. Its first words are the provider's.
    struct Context {
        enum class Kind { frame, slab, put, posted };
        explicit Context(Kind k) : kind(k) {}
        fi_context2 provider{};
        Kind kind;
    };
    /// An outgoing frame, from its sending to its completion.
    struct Slot : Context {
        Slot() : Context(Kind::frame) {}
        adi::Peer peer = 0;
        std::byte* bytes = nullptr;
    };
    /// Memory that incoming frames are stored in, one behind the other, or one.
    struct Slab : Context {
        Slab() : Context(Kind::slab) {}
        std::byte* bytes = nullptr;
        std::size_t size = 0;
    };
    struct Put : Context {
        Put() : Context(Kind::put) {}
        adi::Peer peer = 0;
        void* token = nullptr;
        Memory source;  ///< where the provider wants that
    };
    /// A receive that the provider matches.
    struct Posted : Context {
        Posted() : Context(Kind::posted) {}
        std::byte* bytes = nullptr;
        void* token = nullptr;  ///< the engine's; null of the one that watches
        bool open = false;      ///< the provider has it
    };
    /// What one got.
    struct Arrival {
        Posted* posted;
        std::size_t bytes;
        std::uint64_t tag;
    };
    /// What is to be known about a peer.
    struct Way {
        explicit Way(adi::Peer peer) { stream.peer = peer; }
        fi_addr_t address = FI_ADDR_UNSPEC;
        Proof proof_out{}, proof_in{};
        bool dead = false;
        // What goes there.
        std::uint32_t sequence = 0, puts = 0;
        std::uint64_t sent = 0, taken_there = 0;
        std::size_t slots = 0;  ///< in flight
        std::vector<WindowBody> windows;
        // What comes from there.
        std::uint32_t expected = 0, puts_in = 0;
        std::uint64_t taken = 0, told = 0;
        bool owes = false;  ///< an acknowledgement; listed in owing_
        adi::ReceiveStream stream;
        bool open = false;      ///< payload of the stream is still to come
        bool discards = false;  ///< and nobody wants it
        const std::byte* body = nullptr;
        std::uint32_t body_bytes = 0;
        /// What came before its turn, by sequence.
        std::map<std::uint32_t, std::vector<std::byte>> early;
    };

    // ofi.cpp
    bool make_buffers(std::string* error);
    bool make_park(std::string* error);
    std::string_view secret();
    Way& way_to(adi::Peer peer);
    void lose(Way& way, adi::Status why, const std::string& what);
    int read(adi::Sink* sink, int budget);
    void on_completion(const fi_cq_tagged_entry& entry, adi::Sink* sink);
    void on_error();

    // ofi_frames.cpp
    adi::Status send_frame(Way& way, FrameKind kind, const void* head, std::size_t head_bytes,
                           const adi::Buffer& payload, std::uint64_t offset, std::uint64_t bytes);
    bool post(Slab& slab);
    void acknowledge();
    Way* proven(const Prefix& prefix);
    void on_frame(const std::byte* frame, std::size_t bytes, adi::Sink& sink);
    void show_early(Way& way, adi::Sink& sink);
    bool in_turn(const Way& way, const Prefix& prefix) const;
    void show(Way& way, const Prefix& prefix, const std::byte* frame, std::size_t bytes,
              adi::Sink& sink);
    const char* open_frame(Way& way, FrameKind kind, const std::byte* body, std::size_t bytes,
                           adi::Sink& sink);
    void take_body(Way& way);

    // ofi_puts.cpp
    std::uint64_t put_data(const Proof& proof, adi::Peer from) const;
    void on_put_data(std::uint64_t data, adi::Sink* sink);
    void end_put(Put& put, adi::Status status);

    // ofi_match.cpp
    bool start(Posted& posted, std::uint64_t tag, std::uint64_t open);
    void start_watch();
    void end_watch();
    void on_arrival(const Arrival& arrival, adi::Sink& sink);
    void on_cancelled(Posted& posted);
    int show_arrivals(adi::Sink& sink);

    adi::Capabilities capabilities_;
    adi::OpenInfo info_;
    std::optional<Choice> choice_;
    Fabric fabric_;
    std::string card_, secret_;
    bool looks_are_dear_ = true;
    TagLayout tags_;  ///< without sources where the provider does not match

    std::unique_ptr<std::byte[]> buffers_;
    Memory buffers_memory_;
    std::vector<std::unique_ptr<Slot>> slots_;
    std::vector<Slot*> free_slots_;
    std::vector<std::unique_ptr<Slab>> slabs_;
    std::vector<Slab*> unposted_;
    std::vector<std::unique_ptr<Put>> puts_;
    std::vector<Put*> free_puts_;
    adi::Paged<std::unique_ptr<Way>> ways_;  ///< by peer
    std::vector<Way*> owing_;
    /// Frames that came while nobody could be shown any.
    std::deque<std::vector<std::byte>> deferred_;
    std::vector<std::uint64_t> deferred_put_data_;
    Reports reports_;

    std::vector<std::unique_ptr<Posted>> posted_;
    std::vector<Posted*> free_posted_;
    Posted watch_;
    bool watches_ = false;  ///< watch_ is to be open
    int unwatched_polls_ = 0;
    std::deque<Arrival> arrivals_;  ///< that came while nobody could be shown any
    std::vector<void*> retracted_;  ///< and tokens that nobody was told of
    adi::ReceiveStream matched_;    ///< what on_arrival() shows
    const std::byte* matched_body_ = nullptr;
    mutable std::vector<std::int8_t> matches_;  ///< by peer: 1 yes, -1 no, 0 not looked at

    std::unordered_map<std::uint64_t, Memory> windows_;  ///< by the value of their keys
    std::vector<std::uint64_t> free_names_;
    std::uint64_t last_key_ = 0;

    SleepFds fds_;
    bool parked_ = false;
    LookPause pause_;
    std::uint64_t strangers_ = 0;
};

}  // namespace dev::ofi
