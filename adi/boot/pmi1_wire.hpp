// The PMI-1 wire: lines of ASCII `key=value` words, the first of which is `cmd=NAME`.
//
// Written once for both ends, the bootstrap client in a rank and the server inside mpirun. Both
// read bytes that somebody else wrote, so nothing is taken on trust: a line is either well formed
// by the rules below or it is refused with a sentence that says why.
//
//   line  = word *( 1*SP word ) LF        at most kMaxLineBytes, the line feed not counted
//   word  = key "=" value                 no key twice in a line; the first key is `cmd` or `mcmd`
//   key   = 1*( 0x21-0x7e except "=" )
//   value = *( 0x21-0x7e )                so `=` may stand in a value, a space may not
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace adi::pmi1 {

/// The maxima that the server announces in `maxes`, as every PMI-1 launcher does.
inline constexpr std::size_t kMaxNameBytes = 256;
inline constexpr std::size_t kMaxKeyBytes = 64;
inline constexpr std::size_t kMaxValueBytes = 1024;

/// Longest line accepted: a `put` with all three maxima and its words, and some room for words that
/// other launchers add.
inline constexpr std::size_t kMaxLineBytes = 4096;

/// One parsed line. Owns its text, so it outlives the buffer that it was read from.
class Message {
  public:
    /// Parses a line without its line feed. On failure the answer is empty and `error` says in half
    /// a sentence what was wrong (never quoting the bytes themselves, which may be anything).
    static std::optional<Message> parse(std::string_view line, std::string* error);

    /// The value of the first word; never empty.
    const std::string& command() const { return words_.front().second; }

    /// The value of `key`, or null when the line has no such word.
    const std::string* find(std::string_view key) const;

    /// The value of `key` as a decimal integer in [low, high]; empty when absent, malformed or
    /// outside the range.
    std::optional<int> find_int(std::string_view key, int low, int high) const;

  private:
    std::vector<std::pair<std::string, std::string>> words_;
};

/// A line `cmd=COMMAND key=value ...` with its line feed. The caller vouches for the words (see
/// is_value); the one use of this function with foreign text is with values that passed it.
std::string format(std::string_view command,
                   std::initializer_list<std::pair<std::string_view, std::string_view>> words = {});

/// Whether `text` may stand as a value, with between 1 and `max_bytes` bytes.
bool is_value(std::string_view text, std::size_t max_bytes);

/// Whether `text` may stand as the key of a value that ranks exchange: a value without `=`.
bool is_key(std::string_view text, std::size_t max_bytes);

/// A sentence as a value: "%20" stands for a space and "%25" for "%", what is not printable becomes
/// "?", and the rest behind `max_bytes` of the value is cut off.
std::string sentence_to_value(std::string_view sentence, std::size_t max_bytes);
/// The sentence again. Any value gives one.
std::string value_to_sentence(std::string_view value);

/// Parses the reserved value PMI_process_mapping, "(vector,(first node,nodes,ranks on each),…)",
/// into the node of each of `size` ranks; blocks that do not cover all ranks begin again, as
/// launchers mean it that put more ranks on their hosts than these have slots. Empty when the text
/// is not of that form.
std::vector<int> parse_process_mapping(const std::string& text, int size);

/// Cuts a byte stream into lines. Bytes arrive in any pieces; a line longer than kMaxLineBytes
/// makes the stream unusable, since nobody can say where the next one begins.
class LineBuffer {
  public:
    /// Appends what arrived. The caller takes the lines out before it appends again, so what is
    /// kept stays below kMaxLineBytes plus one read.
    void append(std::string_view bytes) { pending_.append(bytes); }

    /// The next whole line, without its line feed; empty when there is none yet.
    std::optional<std::string> next();

    /// True once an unfinished or finished line exceeded kMaxLineBytes; it stays true.
    bool overflowed() const { return overflowed_; }

    /// True when bytes of an unfinished line are held.
    bool partial() const { return !pending_.empty(); }

  private:
    std::string pending_;
    std::size_t scanned_ = 0;  // pending_[0, scanned_) holds no line feed
    bool overflowed_ = false;
};

}  // namespace adi::pmi1
