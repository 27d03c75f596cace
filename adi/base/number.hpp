// Numbers in text that came from outside: the environment, a command line, a file, a peer.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <type_traits>

namespace adi {

/// The number that is the whole of `text`: no blanks, no plus sign, nothing behind it, and within
/// what a T holds. Integers are decimal, or of the base that follows.
template <class T, class... Base>
std::optional<T> parse_number(std::string_view text, Base... base) {
    T value{};
    const char* end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, value, base...);
    if (code != std::errc{} || stop != end) return std::nullopt;
    return value;
}

/// The same, of [least, most].
template <class T>
std::optional<T> parse_number_within(std::string_view text, std::type_identity_t<T> least,
                                     std::type_identity_t<T> most) {
    const auto value = parse_number<T>(text);
    if (!value || *value < least || *value > most) return std::nullopt;
    return value;
}

}  // namespace adi
