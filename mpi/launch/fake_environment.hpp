// An environment that tests make up.
#pragma once

#include <map>
#include <string>

namespace launch {

inline std::map<std::string, std::string> fake_environment;

inline const char* fake_lookup(const char* name) {
    const auto at = fake_environment.find(name);
    return at == fake_environment.end() ? nullptr : at->second.c_str();
}

}  // namespace launch
