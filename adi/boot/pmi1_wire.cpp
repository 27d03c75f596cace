#include "adi/boot/pmi1_wire.hpp"

#include <algorithm>
#include <climits>
#include <cstdio>

#include "adi/base/number.hpp"

namespace adi::pmi1 {

namespace {

bool is_graphic(char c) {
    return c > 0x20 && c < 0x7f;
}

}  // namespace

std::optional<Message> Message::parse(std::string_view line, std::string* error) {
    auto refuse = [&](const char* why) {
        *error = why;
        return std::nullopt;
    };
    if (line.size() > kMaxLineBytes) return refuse("the line is too long");
    if (!std::all_of(line.begin(), line.end(), [](char c) { return c == ' ' || is_graphic(c); })) {
        return refuse("the line holds bytes that are not printable ASCII");
    }
    Message message;
    std::size_t at = 0;
    while (true) {
        at = line.find_first_not_of(' ', at);
        if (at == std::string_view::npos) break;
        const std::size_t end = std::min(line.find(' ', at), line.size());
        const std::string_view word = line.substr(at, end - at);
        at = end;
        const std::size_t equals = word.find('=');
        if (equals == std::string_view::npos) return refuse("a word has no '='");
        if (equals == 0) return refuse("a word has an empty key");
        const std::string_view key = word.substr(0, equals);
        if (message.words_.empty() && key != "cmd" && key != "mcmd") {
            return refuse("the line does not begin with cmd=");
        }
        if (message.find(key) != nullptr) return refuse("a key stands twice");
        message.words_.emplace_back(key, word.substr(equals + 1));
    }
    if (message.words_.empty()) return refuse("the line is empty");
    if (message.command().empty()) return refuse("the command is empty");
    return message;
}

const std::string* Message::find(std::string_view key) const {
    for (const auto& word : words_) {
        if (word.first == key) return &word.second;
    }
    return nullptr;
}

std::optional<int> Message::find_int(std::string_view key, int low, int high) const {
    const std::string* text = find(key);
    return text == nullptr ? std::nullopt : parse_number_within<int>(*text, low, high);
}

std::string format(std::string_view command,
                   std::initializer_list<std::pair<std::string_view, std::string_view>> words) {
    std::string line = "cmd=";
    line += command;
    for (const auto& [key, value] : words) {
        line += ' ';
        line += key;
        line += '=';
        line += value;
    }
    line += '\n';
    return line;
}

bool is_value(std::string_view text, std::size_t max_bytes) {
    return !text.empty() && text.size() <= max_bytes &&
           std::all_of(text.begin(), text.end(), is_graphic);
}

bool is_key(std::string_view text, std::size_t max_bytes) {
    return is_value(text, max_bytes) && text.find('=') == std::string_view::npos;
}

std::string sentence_to_value(std::string_view sentence, std::size_t max_bytes) {
    std::string value;
    for (const char c : sentence) {
        const std::string word = c == ' '        ? "%20"
                                 : c == '%'      ? "%25"
                                 : is_graphic(c) ? std::string(1, c)
                                                 : "?";
        if (value.size() + word.size() > max_bytes) break;
        value += word;
    }
    return value;
}

std::string value_to_sentence(std::string_view value) {
    std::string sentence;
    while (!value.empty()) {
        const bool space = value.starts_with("%20"), percent = value.starts_with("%25");
        sentence += space ? ' ' : value.front();
        value.remove_prefix(space || percent ? 3 : 1);
    }
    return sentence;
}

std::vector<int> parse_process_mapping(const std::string& text, int size) {
    constexpr const char kBegin[] = "(vector";
    if (!text.starts_with(kBegin)) return {};
    const char* const blocks = text.c_str() + sizeof kBegin - 1;
    const char* at = blocks;
    std::vector<int> node_of;
    const auto full = [&] { return static_cast<int>(node_of.size()) >= size; };
    while (!full()) {
        if (at != blocks && *at == ')') at = blocks;
        int first = 0, nodes = 0, per_node = 0, used = 0;
        if (std::sscanf(at, ",(%d,%d,%d)%n", &first, &nodes, &per_node, &used) != 3 || used == 0 ||
            first < 0 || nodes < 1 || per_node < 1 || first > INT_MAX - nodes) {
            return {};
        }
        at += used;
        for (int n = first; n < first + nodes && !full(); ++n) {
            for (int i = 0; i < per_node && !full(); ++i) node_of.push_back(n);
        }
    }
    return node_of;
}

std::optional<std::string> LineBuffer::next() {
    if (overflowed_) return std::nullopt;
    const std::size_t feed = pending_.find('\n', scanned_);
    if (std::min(feed, pending_.size()) > kMaxLineBytes) {
        overflowed_ = true;
        pending_.clear();
        return std::nullopt;
    }
    if (feed == std::string::npos) {
        scanned_ = pending_.size();
        return std::nullopt;
    }
    std::string line = pending_.substr(0, feed);
    pending_.erase(0, feed + 1);
    scanned_ = 0;
    return line;
}

}  // namespace adi::pmi1
