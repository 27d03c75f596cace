#include <algorithm>
#include <cstdio>

#include "firmware/emulator/board.hpp"

namespace emulator {

std::string profile_text(const std::vector<std::uint64_t>& counts,
                         std::span<const firmware::Symbol> symbols) {
    struct Line {
        std::uint64_t count;
        const char* name;
    };
    std::vector<Line> lines;
    std::uint64_t all = 0, named = 0;
    for (const std::uint64_t count : counts) all += count;
    for (const firmware::Symbol& symbol : symbols) {
        std::uint64_t count = 0;
        for (std::size_t i = symbol.address / 4;
             i < (symbol.address + symbol.bytes) / 4 && i < counts.size(); ++i)
            count += counts[i];
        if (count != 0) lines.push_back({count, symbol.name});
        named += count;
    }
    if (all > named) lines.push_back({all - named, "?"});
    std::stable_sort(lines.begin(), lines.end(),
                     [](const Line& a, const Line& b) { return a.count > b.count; });
    std::string text;
    for (const Line& line : lines) {
        char head[64];
        std::snprintf(head, sizeof head, "%6.2f %% %14llu ",
                      100.0 * static_cast<double>(line.count) / static_cast<double>(all),
                      static_cast<unsigned long long>(line.count));
        text += head;
        text += line.name;
        text += '\n';
    }
    return text;
}

}  // namespace emulator
