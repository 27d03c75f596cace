// Info objects: making, changing, asking (MPI-5.0 §10).
#include "mpi/core/info.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "mpi/core/check.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

namespace {

Status no_memory() {
    return fail(Status::no_mem, "no memory for an info object");
}

/// Keys have 1 to MPI_MAX_INFO_KEY - 1 characters.
Status check_key(const char* key) {
    const std::size_t length = strnlen(key, MPI_MAX_INFO_KEY);
    if (length == 0) return fail(Status::info_key, "key is empty");
    if (length == MPI_MAX_INFO_KEY) {
        return fail(Status::info_key, "key \"%.40s...\" is longer than %d characters", key,
                    MPI_MAX_INFO_KEY - 1);
    }
    return Status::ok;
}

Status check_changeable(const Info& info) {
    if (&info != find<Info>(MPI_INFO_ENV)) return Status::ok;
    return fail(Status::info, "info is MPI_INFO_ENV, which cannot be changed");
}

}  // namespace

Status info_create(Info*& info) {
    info = make_info({});
    return info != nullptr ? Status::ok : no_memory();
}

Status info_dup(Info& info, Info*& newinfo) {
    newinfo = make_info(info.entries);
    return newinfo != nullptr ? Status::ok : no_memory();
}

Status info_free(Info& info) {
    table<Info>().destroy(&info);
    return Status::ok;
}

Status info_set(Info& info, const char* key, const char* value) {
    if (Status s = check_changeable(info); s != Status::ok) return s;
    if (Status s = check_key(key); s != Status::ok) return s;
    if (strnlen(value, MPI_MAX_INFO_VAL) == MPI_MAX_INFO_VAL) {
        return fail(Status::info_value, "the value of key \"%s\" is longer than %d characters", key,
                    MPI_MAX_INFO_VAL - 1);
    }
    try {
        info.set(key, value);
    } catch (const std::bad_alloc&) {
        return no_memory();
    }
    return Status::ok;
}

Status info_delete(Info& info, const char* key) {
    if (Status s = check_changeable(info); s != Status::ok) return s;
    if (Status s = check_key(key); s != Status::ok) return s;
    if (!info.erase(key)) return fail(Status::info_nokey, "info has no key \"%s\"", key);
    return Status::ok;
}

Status info_get(Info& info, const char* key, int valuelen, char* value, int& flag) {
    if (Status s = check_key(key); s != Status::ok) return s;
    if (valuelen < 0) return check::not_negative(Status::arg, "valuelen", valuelen);
    const std::string* found = info.find(key);
    flag = found != nullptr ? 1 : 0;
    if (found == nullptr) return Status::ok;
    const std::size_t n = std::min(found->size(), static_cast<std::size_t>(valuelen));
    std::memcpy(value, found->data(), n);
    value[n] = '\0';
    return Status::ok;
}

Status info_get_string(Info& info, const char* key, int& buflen, char* value, int& flag) {
    if (Status s = check_key(key); s != Status::ok) return s;
    if (buflen < 0) return check::not_negative(Status::arg, "buflen", buflen);
    const std::string* found = info.find(key);
    flag = found != nullptr ? 1 : 0;
    if (found == nullptr) return Status::ok;
    if (buflen > 0) {
        if (Status s = check::not_null("value", value); s != Status::ok) return s;
        const std::size_t n = std::min(found->size(), static_cast<std::size_t>(buflen) - 1);
        std::memcpy(value, found->data(), n);
        value[n] = '\0';
    }
    buflen = static_cast<int>(found->size()) + 1;
    return Status::ok;
}

Status info_get_valuelen(Info& info, const char* key, int& valuelen, int& flag) {
    if (Status s = check_key(key); s != Status::ok) return s;
    const std::string* found = info.find(key);
    flag = found != nullptr ? 1 : 0;
    if (found != nullptr) valuelen = static_cast<int>(found->size());
    return Status::ok;
}

Status info_get_nkeys(Info& info, int& nkeys) {
    nkeys = static_cast<int>(info.entries.size());
    return Status::ok;
}

Status info_get_nthkey(Info& info, int n, char* key) {
    if (n < 0 || static_cast<std::size_t>(n) >= info.entries.size()) {
        return fail(Status::arg, "n is %d, but info has %zu keys", n, info.entries.size());
    }
    const std::string& found = info.entries[static_cast<std::size_t>(n)].key;
    std::memcpy(key, found.c_str(), found.size() + 1);
    return Status::ok;
}

}  // namespace mpi
