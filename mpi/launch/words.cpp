// Words as people type them: the nearest known option, and the lines of a -configfile.
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "mpi/launch/option_table.hpp"
#include "mpi/launch/options.hpp"

namespace launch {

namespace {

// Levenshtein distance; both words are short.
std::size_t edit_distance(const std::string& a, const std::string& b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[b.size()];
}

}  // namespace

std::string nearest_option(const std::string& unknown) {
    std::string nearest;
    std::size_t best = unknown.size() / 3 + 1;
    if (unknown.size() < 2 || unknown.size() > 64) return nearest;
    for (const OptionWord& word : option_words()) {
        const std::size_t distance = edit_distance(unknown, word.name);
        if (distance < best || (distance == best && nearest.empty())) {
            best = distance;
            nearest = word.name;
        }
    }
    return nearest;
}

bool split_words(const std::string& line, std::vector<std::string>* words) {
    std::string word;
    bool in_word = false;
    char quote = '\0';
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quote != '\0' && c == quote) {
            quote = '\0';
        } else if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
            word += line[++i];
            in_word = true;
        } else if (quote != '\0') {
            word += c;
        } else if (c == '\'' || c == '"') {
            quote = c;
            in_word = true;
        } else if (c == ' ' || c == '\t' || c == '\r') {
            if (in_word) words->push_back(std::move(word));
            word.clear();
            in_word = false;
        } else if (c == '#' && !in_word) {
            break;
        } else {
            word += c;
            in_word = true;
        }
    }
    if (in_word) words->push_back(std::move(word));
    return quote == '\0';
}

}  // namespace launch
