// Sessions and process sets (MPI-5.0 §11.3).
//
// Three process sets exist: all processes, this one alone, and those of this process's host.
#include "mpi/core/session.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <iterator>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mpi/core/call.hpp"
#include "mpi/core/info.hpp"
#include "mpi/core/process.hpp"
#include "mpi/gen/bodies.hpp"
#include "mpi/pt2pt/send_buffer.hpp"

namespace mpi {

namespace {

struct Level {
    const char* name;
    int value;
};
constexpr Level kLevels[] = {
    {"MPI_THREAD_SINGLE", MPI_THREAD_SINGLE},
    {"MPI_THREAD_FUNNELED", MPI_THREAD_FUNNELED},
    {"MPI_THREAD_SERIALIZED", MPI_THREAD_SERIALIZED},
    {"MPI_THREAD_MULTIPLE", MPI_THREAD_MULTIPLE},
};

/// Without a hint, what the process has already.
Status requested_level(const Info* info, int& level) {
    level = thread_multiple ? MPI_THREAD_MULTIPLE : MPI_THREAD_SINGLE;
    const std::string* hint = info != nullptr ? info->find("thread_level") : nullptr;
    if (hint == nullptr) return Status::ok;
    for (const Level& each : kLevels) {
        if (trimmed(*hint) != each.name) continue;
        level = each.value;
        return Status::ok;
    }
    return fail(Status::info_value, "thread_level is \"%s\", must be the name of one",
                hint->c_str());
}

Status no_memory() {
    return fail(Status::no_mem, "no memory for a session");
}

constexpr std::array<const char*, 3> kSets{"mpi://WORLD", "mpi://SELF", "fathom://host"};

/// Names of process sets are URIs, in which case does not matter.
bool same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return std::tolower(static_cast<unsigned char>(x)) ==
               std::tolower(static_cast<unsigned char>(y));
    });
}

/// The members of a process set; none when there is no set of this name. Throws std::bad_alloc.
Processes members_of(std::string_view name) {
    const Processes& all = process_state->world_group.members;
    if (same_name(name, kSets[0])) return all;
    if (same_name(name, kSets[1])) return process_state->self_group.members;
    std::vector<Process> local;
    if (same_name(name, kSets[2])) {
        std::copy_if(all.begin(), all.end(), std::back_inserter(local),
                     [](Process process) { return engine().mappable(process); });
    }
    return local;
}

Status no_set(const char* name) {
    return fail(Status::arg, "pset_name is \"%.100s\": there is no such process set", name);
}

}  // namespace

Status session_init(const Info* info, Errhandler& errhandler, Session*& session) {
    if (Status s = check_for_session(errhandler); s != Status::ok) return s;
    int level = 0;
    if (Status s = requested_level(info, level); s != Status::ok) return s;
    session = table<Session>().create();
    if (session == nullptr) return no_memory();
    session->thread_level = level;
    session->send_buffer = std::make_shared<pt2pt::BufferPlace>();
    session->errhandler = &errhandler;
    retain(&errhandler);
    enter_process(level);
    return Status::ok;
}

Status session_finalize(Session& session) {
    pt2pt::flush(*session.send_buffer);
    release(session.errhandler);
    table<Session>().destroy(&session);
    leave_process();
    return Status::ok;
}

Status session_get_info(Session& session, Info*& info_used) {
    const auto level = std::find_if(std::begin(kLevels), std::end(kLevels), [&](const Level& each) {
        return each.value == session.thread_level;
    });
    try {
        info_used =
            make_info({{"thread_level", level->name}, {"mpi_memory_alloc_kinds", "mpi,system"}});
    } catch (const std::bad_alloc&) {
    }
    return info_used != nullptr ? Status::ok : no_memory();
}

Status session_get_num_psets(Session&, const Info*, int& npset_names) {
    npset_names = static_cast<int>(kSets.size());
    return Status::ok;
}

Status session_get_nth_pset(Session&, const Info*, int n, int& pset_len, char* pset_name) {
    if (n < 0 || static_cast<std::size_t>(n) >= kSets.size()) {
        return fail(Status::arg, "n is %d, must be 0 to %zu", n, kSets.size() - 1);
    }
    if (pset_len < 0) return fail(Status::arg, "pset_len is %d, must be at least 0", pset_len);
    const std::string_view name = kSets[static_cast<std::size_t>(n)];
    if (pset_len > 0) {
        if (pset_name == nullptr) return fail(Status::arg, "pset_name is a null pointer");
        const std::size_t length = std::min(name.size(), static_cast<std::size_t>(pset_len) - 1);
        std::memcpy(pset_name, name.data(), length);
        pset_name[length] = '\0';
    }
    pset_len = static_cast<int>(name.size()) + 1;
    return Status::ok;
}

Status session_get_pset_info(Session&, const char* pset_name, Info*& info) {
    try {
        const Processes members = members_of(pset_name);
        if (members.empty()) return no_set(pset_name);
        info = make_info({{"mpi_size", std::to_string(members.size())}});
    } catch (const std::bad_alloc&) {
    }
    return info != nullptr ? Status::ok : no_memory();
}

Status group_from_session_pset(Session& session, const char* pset_name, Group*& newgroup) {
    try {
        Processes members = members_of(pset_name);
        if (members.empty()) return no_set(pset_name);
        newgroup = make_group(std::move(members), process_state->world_group);
        if (newgroup != nullptr) newgroup->session_buffer = session.send_buffer;
    } catch (const std::bad_alloc&) {
    }
    return newgroup != nullptr ? Status::ok : no_memory();
}

}  // namespace mpi
