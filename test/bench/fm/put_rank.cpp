// Deposits, as BIP sends: DMA from the sender's memory and into the receiver's, whose buffer is
// known to the sender before. Below a threshold messages go by stores, as they do in BIP. On
// devices/fm/endpoint.hpp, since the FM interface has no deposits.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "adi/boot/boot.hpp"
#include "devices/fm/endpoint.hpp"
#include "devices/fm/join.hpp"
#include "rank.hpp"

namespace {

using adi::Status;
using dev::fm::Endpoint;
using dev::fm::Node;
using fm_bench::Options;

constexpr const char* kMetrics = "latency|bandwidth|twoway";
constexpr int kPings = 8;
constexpr std::size_t kPutFrom = Endpoint::kShortBytes + 1;
constexpr std::size_t kMostBytes = 1 << 20;
constexpr std::size_t kMostPuts = 4;  // on their way at a time

enum Handler : std::uint32_t { kData = 1, kWindow, kMeet };

[[noreturn]] void fail(const std::string& why) {
    std::fprintf(stderr, "fm-bench-put: %s\n", why.c_str());
    std::exit(1);
}

// A buffer at the start of a page.
class Pages {
  public:
    explicit Pages(std::size_t bytes)
        : bytes_((bytes + FM_PAGE_BYTES) / FM_PAGE_BYTES * FM_PAGE_BYTES),
          memory_(static_cast<std::byte*>(std::aligned_alloc(FM_PAGE_BYTES, bytes_))) {
        if (memory_ == nullptr) fail("no memory");
        std::fill_n(memory_.get(), bytes_, std::byte{0});
    }
    std::byte* data() const { return memory_.get(); }
    std::size_t size() const { return bytes_; }

  private:
    struct Free {
        void operator()(std::byte* memory) const { std::free(memory); }
    };
    std::size_t bytes_;
    std::unique_ptr<std::byte, Free> memory_;
};

class Rank final : private dev::fm::Sink {
  public:
    Rank(std::unique_ptr<dev::fm::Board> board, Node self)
        : endpoint_(std::move(board), {.self = self, .nodes = 2}), self_(self) {}

    Node self() const { return self_; }

    double now_us() {
        if (dev::fm::Clock* clock = endpoint_.board().clock())
            return static_cast<double>(clock->now_ps()) / 1e6;
        const auto time = std::chrono::steady_clock::now().time_since_epoch();
        return std::chrono::duration<double, std::micro>(time).count();
    }

    void meet() {
        const int before = meetings_++;
        send_short(kMeet, nullptr, 0);
        while (met_ <= before) poll();
    }

    // Both know the other's buffer afterwards.
    void prepare(std::size_t bytes) {
        if (bytes > out_.size()) fail("longer than the buffers");
        has_window_ = false;
        meet();
        bytes_ = bytes;
        arrived_ = 0;
        std::fill_n(in_.data(), bytes, std::byte{0});
        for (std::size_t i = 0; i < bytes; ++i) out_.data()[i] = fm_bench::pattern(i, self_);
        if (bytes_ >= kPutFrom) {
            dev::fm::WindowKey key = 0;
            if (endpoint_.open_window(1 - self_, in_.data(), bytes, &key) != Status::ok)
                fail("no window");
            mine_ = key;
            send_short(kWindow, &key, sizeof key);
            while (!has_window_) poll();
        }
        meet();
    }

    void finish() {
        while (ended_ < begun_) poll();
        meet();
        for (std::size_t i = 0; i < bytes_; ++i)
            if (in_.data()[i] != fm_bench::pattern(i, 1 - self_))
                fail("byte " + std::to_string(i) + " of " + std::to_string(bytes_) + " is wrong");
        if (bytes_ >= kPutFrom) endpoint_.close_window(mine_);
    }

    void send() {
        if (bytes_ < kPutFrom) {
            send_short(kData, out_.data(), bytes_);
            return;
        }
        while (begun_ - ended_ >= kMostPuts) poll();
        if (endpoint_.put(1 - self_, out_.data(), bytes_, theirs_, 0, begun_) != Status::ok)
            fail("a put was refused");
        ++begun_;
        send_short(kData, nullptr, 0);  // comes after the bytes
    }

    void wait_for(int count) {
        while (arrived_ < count) poll();
    }

  private:
    void poll() {
        if (endpoint_.extract<dev::fm::Sink>(*this) == 0) endpoint_.wait();
    }

    void send_short(std::uint32_t handler, const void* bytes, std::size_t length) {
        const adi::Buffer payload{const_cast<void*>(bytes), length};
        Status status;
        while ((status = endpoint_.try_send(1 - self_, handler, nullptr, 0, payload, 0,
                                            static_cast<std::uint32_t>(length))) == Status::again)
            if (endpoint_.extract<dev::fm::Sink>(*this) == 0) endpoint_.wait();
        if (status != Status::ok) fail("a message was refused");
    }

    void on_packet(const dev::fm::Packet& packet) override {
        if (packet.handler == kMeet) ++met_;
        if (packet.handler == kWindow && packet.bytes == sizeof theirs_) {
            std::memcpy(&theirs_, packet.data, sizeof theirs_);
            has_window_ = true;
        }
        if (packet.handler != kData) return;
        if (packet.bytes > 0) {
            if (packet.bytes > in_.size()) fail("a message is too long");
            std::memcpy(in_.data(), packet.data, packet.bytes);
            if (dev::fm::Clock* clock = endpoint_.board().clock()) clock->charge_copy(packet.bytes);
        }
        ++arrived_;
    }
    void on_lost(Node, Status, const char* what) override { fail(what); }
    void on_put(std::uint64_t, Status status) override {
        if (status != Status::ok) fail("a put failed");
        ++ended_;
    }

    Endpoint endpoint_;
    Node self_;
    std::size_t bytes_ = 0;
    Pages out_{kMostBytes}, in_{kMostBytes};  // they stay, and so stay registered
    dev::fm::WindowKey mine_ = 0, theirs_ = 0;
    bool has_window_ = false;
    int met_ = 0, meetings_ = 0;
    int arrived_ = 0;                    // messages, in this measurement
    std::size_t begun_ = 0, ended_ = 0;  // puts in all
};

double ping_pong_us(Rank& rank, std::size_t bytes) {
    rank.prepare(bytes);
    double begun = 0;
    for (int i = -2; i < kPings; ++i) {
        if (i == 0) begun = rank.now_us();
        if (rank.self() == 0) rank.send();
        rank.wait_for(i + 3);
        if (rank.self() == 1) rank.send();
    }
    const double took_us = rank.now_us() - begun;
    rank.finish();
    return took_us / (2 * kPings);
}

// Rank 0 streams, or both do. At the end they meet; the meeting's way is taken off.
double stream_us(Rank& rank, std::size_t bytes, int count, bool both, double answer_us) {
    rank.prepare(bytes);
    const double begun = rank.now_us();
    if (both || rank.self() == 0)
        for (int i = 0; i < count; ++i) rank.send();
    if (both || rank.self() == 1) rank.wait_for(count);
    rank.meet();
    const double took_us = rank.now_us() - begun - answer_us;
    if (!both) {  // the other way too, so that both have something to check
        if (rank.self() == 1)
            rank.send();
        else
            rank.wait_for(1);
    }
    rank.finish();
    return took_us / count;
}

void run(Rank& rank, const Options& options) {
    const bool latency = options.metric == "latency";
    const bool both = options.metric == "twoway";
    const double answer_us = latency ? 0 : ping_pong_us(rank, 4);
    for (const std::size_t size : fm_bench::sizes_of(options, 8, latency ? 131072 : 1048576)) {
        const auto bytes = static_cast<double>(size);
        const int count = fm_bench::stream_length(options, size);
        const double us =
            latency ? ping_pong_us(rank, size) : stream_us(rank, size, count, both, answer_us);
        if (rank.self() == 0)
            fm_bench::print(options.metric.c_str(), fm_bench::bytes_label(size),
                            latency ? us : (both ? 2 : 1) * bytes / us, latency ? "us" : "MB/s");
    }
}

std::unique_ptr<dev::fm::Board> open(adi::Bootstrap& boot) {
    const auto where = dev::fm::board_from_environment();
    if (!where) fail(where.message());
    const auto self = static_cast<Node>(boot.rank());
    auto board = dev::fm::open_board(*where, self, 2);
    if (!board) fail(board.message());
    const auto key_of = [](Node node) { return "fm-bench-" + std::to_string(node); };
    const auto put = boot.put(key_of(self), dev::fm::place_to_text((*board)->place()));
    const auto fence = boot.fence();
    const auto other = boot.get(1 - boot.rank(), key_of(1 - self));
    if (!put || !fence || !other) fail("the launcher does not answer");
    std::vector<std::uint32_t> places(2);
    places[self] = (*board)->place();
    if (!dev::fm::place_from_text(*other, &places[1 - self])) fail("the other's place is none");
    if (const auto connected = (*board)->connect(places); !connected) fail(connected.message());
    const auto again = boot.fence();  // both are open
    if (!again) fail(again.message());
    return std::move(*board);
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = fm_bench::parse(argc, argv, kMetrics);
    if (options.metric != "latency" && options.metric != "bandwidth" && options.metric != "twoway")
        fm_bench::usage(argv[0], kMetrics);
    std::string error;
    const auto boot = adi::make_bootstrap(&error);
    if (boot == nullptr) fail(error);
    if (boot->size() != 2) fail("needs 2 processes");
    {
        Rank rank(open(*boot), static_cast<Node>(boot->rank()));
        run(rank, options);
        rank.meet();
    }
    const auto left = boot->finalize();
    return left ? 0 : 1;
}
