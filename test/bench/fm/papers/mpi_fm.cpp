// MPI-FM 2.0: MPICH's upper half over Fast Messages 2.x. A message is MPICH's header and the
// payload, two pieces of one FM message. The handler reads the header, matches, and has the payload
// copied to the user's buffer; a message that nobody has posted a receive for goes to memory of its
// own and is copied from there later.
#include <cstring>
#include <deque>
#include <vector>

#include "fm.hpp"

namespace fm_bench {

namespace {

class MpiFm final : public FastMessages {
  public:
    MpiFm(Pair& pair, unsigned node) : FastMessages(pair, node, firmware::papers::kFm2) {}

    void send(const std::byte* from, std::size_t bytes) override {
        host_.compute(host_.machine().mpi_send_ps, "MPI send");
        std::byte header[kHeader];
        const std::uint64_t words[] = {kTag, 0, bytes};
        static_assert(sizeof words == sizeof header);
        std::memcpy(header, words, sizeof header);
        begin_message(sizeof header + bytes);
        send_piece(header, sizeof header);
        send_piece(from, bytes);
        end_message();
    }

    void post(std::byte* to, std::size_t) override {
        if (unexpected_.empty()) {
            posted_ = to;
            return;
        }
        const Message& first = unexpected_.front();
        host_.compute(host_.machine().mpi_receive_ps, "MPI receive");
        // What has not come yet is copied too soon to be right: the rest is waited for.
        while (&first == coming_) progress();
        host_.copy(to, first.bytes.data(), first.bytes.size());
        unexpected_.pop_front();
        ++complete_;
    }

    void wait() override {
        while (complete_ == waited_) progress();
        ++waited_;
    }

  private:
    static constexpr std::size_t kHeader = 24;  // MPICH's: tag, source, length, and who is asked
    static constexpr std::uint64_t kTag = 1;
    struct Message {
        std::vector<std::byte> bytes;
    };

    Destination on_message(const std::byte* payload, std::size_t total) override {
        std::byte header[kHeader];
        host_.copy(header, payload, sizeof header);
        std::uint64_t words[3];
        std::memcpy(words, header, sizeof words);
        if (posted_ != nullptr && words[0] == kTag) {
            host_.compute(host_.machine().mpi_receive_ps, "MPI receive");
            return {std::exchange(posted_, nullptr), kHeader};
        }
        unexpected_.push_back({std::vector<std::byte>(total - kHeader)});
        coming_ = &unexpected_.back();
        return {coming_->bytes.data(), kHeader};
    }

    void on_end() override {
        if (coming_ == nullptr) ++complete_;
        coming_ = nullptr;
    }

    std::byte* posted_ = nullptr;
    std::deque<Message> unexpected_;
    Message* coming_ = nullptr;  // the last one of them, not yet whole
    std::uint64_t complete_ = 0, waited_ = 0;
};

}  // namespace

std::unique_ptr<Messages> open_mpi_fm(Pair& pair, unsigned node) {
    return std::make_unique<MpiFm>(pair, node);
}

}  // namespace fm_bench
