#include "adi/base/config.hpp"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "adi/base/number.hpp"

namespace adi {

std::int64_t config_number(const char* name, std::int64_t fallback, std::int64_t least,
                           std::int64_t most) {
    const char* text = std::getenv(name);
    if (text == nullptr || *text == '\0') return fallback;
    if (const auto value = parse_number_within<std::int64_t>(text, least, most)) return *value;
    std::fprintf(stderr, "Fathom: %s=%s ignored: not a number from %" PRId64 " to %" PRId64 "\n",
                 name, text, least, most);
    return fallback;
}

bool verbose() {
    static const bool wanted = config_number("FATHOM_VERBOSE", 0, 0, 9) > 0;
    return wanted;
}

}  // namespace adi
