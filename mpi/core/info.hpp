// Info objects (MPI-5.0 §10): ordered lists of keys and values, both strings.
#pragma once

#include <mpi.h>

#include <string>
#include <string_view>
#include <vector>

#include "mpi/core/object.hpp"

namespace mpi {

/// Exists outside of MPI_Init and MPI_Finalize too. Whoever is given one copies what it needs: no
/// other object holds a reference.
struct Info : Object {
    struct Entry {
        std::string key;
        std::string value;
    };
    std::vector<Entry> entries;  ///< in the order in which the keys came; no key twice

    /// The value of a key, or null.
    const std::string* find(std::string_view key) const;
    /// Sets a key, new or not. Throws std::bad_alloc.
    void set(std::string_view key, std::string_view value);
    /// False when there is no such key.
    bool erase(std::string_view key);
};

template <>
struct HandleTraits<Info> {
    static constexpr Kind kind = Kind::info;
    static constexpr Id first = 0x130, count = 2;
};

/// A hint's value without the white space around it, which means nothing there (MPI-5.0 §10).
std::string_view trimmed(std::string_view value);
/// The truth of a hint: "true" or "false", in any case; `otherwise` for everything else.
bool hint_is_true(std::string_view value, bool otherwise);

/// A new Info object with these entries; null when out of memory. The caller owns it.
Info* make_info(const std::vector<Info::Entry>& entries);

/// Fills MPI_INFO_ENV, now that the job is known; called when MPI starts.
void describe_start(int processes);

}  // namespace mpi
