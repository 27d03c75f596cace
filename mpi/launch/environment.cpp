#include "mpi/launch/environment.hpp"

#include <algorithm>
#include <string_view>

namespace launch {

namespace {

constexpr std::string_view kLauncherVariables[] = {
    "PMI_FD",      "PMI_RANK",        "PMI_SIZE",        "PMI_PORT",      "PMI_ID",
    "PMI_SPAWNED", "HYDI_CONTROL_FD", "FATHOM_FM_BOARD", "FATHOM_FM_KEY", "FATHOM_BOARD_FD"};

std::string_view name_of(std::string_view assignment) {
    return assignment.substr(0, assignment.find('='));
}

bool contains(const auto& names, std::string_view name) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

void set_variable(const std::string& name, const std::string& value,
                  std::vector<std::string>* environment) {
    const auto same = [&](const std::string& entry) { return name_of(entry) == name; };
    std::erase_if(*environment, same);
    environment->push_back(name + '=' + value);
}

std::vector<std::string> make_environment(const char* const* inherited,
                                          const EnvironmentPolicy& policy, const Program& program) {
    using Inherit = EnvironmentPolicy::Inherit;
    const Inherit inherit = program.inherit.value_or(policy.inherit);
    const auto& listed = program.inherit ? program.listed : policy.listed;
    std::vector<std::string> environment;
    for (const char* const* at = inherited; *at != nullptr; ++at) {
        const std::string_view name = name_of(*at);
        if (contains(kLauncherVariables, name)) continue;
        if (inherit == Inherit::all || (inherit == Inherit::listed && contains(listed, name))) {
            environment.emplace_back(*at);
        }
    }
    for (const auto& [name, value] : policy.assignments) set_variable(name, value, &environment);
    for (const auto& [name, value] : program.assignments) set_variable(name, value, &environment);
    return environment;
}

}  // namespace launch
