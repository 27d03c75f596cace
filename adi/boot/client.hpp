// What the clients of all launchers have in common.
#pragma once

#include <unistd.h>

#include <string>
#include <string_view>

namespace adi::boot {

/// No launcher has more ranks than this; a larger number is garbage.
inline constexpr int kMaxRanks = 1 << 24;

/// A line on standard error, by one write, so that it stays whole; there is nobody left to tell
/// when it fails.
inline void say_last(std::string_view message) noexcept {
    if (message.empty()) return;
    const std::string line = std::string(message) + '\n';
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

/// The exit code of a job that is aborted with `exitcode`: never that of success.
inline int abort_code(int exitcode) {
    return (exitcode & 0xff) == 0 ? 1 : exitcode & 0xff;
}

}  // namespace adi::boot
