// Cuts a rank's output into whole lines.
#pragma once

#include <string>
#include <string_view>

namespace launch {

/// Bytes go in as they are read; whole lines, line feeds included, come out. A line is held back
/// until it ends, or until it is longer than kMaxLineBytes: then it is passed on in pieces, since
/// no buffer is endless, and the sink keeps others from writing into it (see Sink).
class LineSplitter {
  public:
    static constexpr std::size_t kMaxLineBytes = std::size_t{16} << 20;

    /// Takes `bytes` and calls `emit(std::string_view)` for each run of whole lines: the text ends
    /// with a line feed, except for a piece of an overlong line.
    template <class Emit>
    void feed(std::string_view bytes, Emit emit) {
        const std::size_t last = bytes.rfind('\n');
        if (last != std::string_view::npos) {
            const std::string_view whole = bytes.substr(0, last + 1);
            if (pending_.empty()) {
                emit(whole);
            } else {
                pending_.append(whole);
                emit(std::string_view(pending_));
                pending_.clear();
            }
            bytes.remove_prefix(last + 1);
        }
        pending_.append(bytes);
        if (pending_.size() > kMaxLineBytes) flush(emit);
    }

    /// Emits what is held of an unfinished line, if anything.
    template <class Emit>
    void flush(Emit emit) {
        if (pending_.empty()) return;
        emit(std::string_view(pending_));
        pending_.clear();
    }

    bool partial() const { return !pending_.empty(); }

  private:
    std::string pending_;
};

}  // namespace launch
