#include "adi/base/config.hpp"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

namespace adi {

std::int64_t config_number(const char* name, std::int64_t fallback, std::int64_t least,
                           std::int64_t most) {
    const char* text = std::getenv(name);
    if (text == nullptr || *text == '\0') return fallback;
    char* end = nullptr;
    const long long value = std::strtoll(text, &end, 10);
    if (*end == '\0' && value >= least && value <= most) return value;
    std::fprintf(stderr, "Fathom: %s=%s ignored: not a number from %" PRId64 " to %" PRId64 "\n",
                 name, text, least, most);
    return fallback;
}

}  // namespace adi
