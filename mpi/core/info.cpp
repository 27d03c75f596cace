#include "mpi/core/info.hpp"

#include <algorithm>
#include <new>

namespace mpi {

namespace {

constexpr std::string_view kSpace = " \t\n\v\f\r";

bool equal_in_any_case(std::string_view a, std::string_view lower) {
    return std::equal(a.begin(), a.end(), lower.begin(), lower.end(), [](char x, char y) {
        return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y;
    });
}

}  // namespace

const std::string* Info::find(std::string_view key) const {
    for (const Entry& entry : entries) {
        if (entry.key == key) return &entry.value;
    }
    return nullptr;
}

void Info::set(std::string_view key, std::string_view value) {
    for (Entry& entry : entries) {
        if (entry.key == key) {
            entry.value = value;
            return;
        }
    }
    entries.push_back({std::string(key), std::string(value)});
}

bool Info::erase(std::string_view key) {
    return std::erase_if(entries, [key](const Entry& entry) { return entry.key == key; }) != 0;
}

std::string_view trimmed(std::string_view value) {
    const std::size_t begin = value.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) return {};
    return value.substr(begin, value.find_last_not_of(kSpace) - begin + 1);
}

bool hint_is_true(std::string_view value, bool otherwise) {
    const std::string_view word = trimmed(value);
    if (equal_in_any_case(word, "true")) return true;
    if (equal_in_any_case(word, "false")) return false;
    return otherwise;
}

Info* make_info(const std::vector<Info::Entry>& entries) {
    Info* info = table<Info>().create();
    if (info == nullptr) return nullptr;
    try {
        info->entries = entries;
    } catch (const std::bad_alloc&) {
        table<Info>().destroy(info);
        return nullptr;
    }
    return info;
}

}  // namespace mpi
