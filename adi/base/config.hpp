// Settings from the environment. Everything works without any; see README.md for the list.
#pragma once

#include <cstdint>

namespace adi {

/// The number in environment variable `name` if it is one within [least, most]; else `fallback`,
/// with one warning on standard error when there is something that is no such number.
std::int64_t config_number(const char* name, std::int64_t fallback, std::int64_t least,
                           std::int64_t most);

/// Does a person want to read on standard error what was chosen (FATHOM_VERBOSE=1)?
bool verbose();

}  // namespace adi
