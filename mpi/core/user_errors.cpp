#include "mpi/core/user_errors.hpp"

#include <algorithm>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "mpi/gen/bodies.hpp"

namespace mpi {

namespace {

struct Added {
    int error_class = -1;  ///< itself, for a class; -1 when the number is free
    std::optional<std::string> text;
};

/// Index 0 is the first code above MPI_ERR_LASTCODE; the last element is in use.
std::vector<Added>& added() {
    static std::vector<Added> codes;
    return codes;
}

int code_of(std::size_t index) {
    return MPI_ERR_LASTCODE + 1 + static_cast<int>(index);
}

/// The entry of an added code or class; null when there is none.
Added* find_added(int code) {
    const auto index = static_cast<std::size_t>(code) - (MPI_ERR_LASTCODE + 1);
    if (code <= MPI_ERR_LASTCODE || index >= added().size()) return nullptr;
    Added& entry = added()[index];
    return entry.error_class >= 0 ? &entry : nullptr;
}

/// `error_class` -1 stands for a new class.
Status add(int error_class, int& code) {
    std::vector<Added>& codes = added();
    const auto free = std::find_if(codes.begin(), codes.end(),
                                   [](const Added& entry) { return entry.error_class < 0; });
    const auto index = static_cast<std::size_t>(free - codes.begin());
    try {
        if (free == codes.end()) codes.emplace_back();
    } catch (const std::bad_alloc&) {
        return fail(Status::no_mem, "no memory for an error code");
    }
    code = code_of(index);
    codes[index].error_class = error_class >= 0 ? error_class : code;
    return Status::ok;
}

void remove(Added& entry) {
    entry = {};
    while (!added().empty() && added().back().error_class < 0) added().pop_back();
}

Status not_added(const char* name, int code) {
    return fail(Status::arg, "%s is %d, which was not added", name, code);
}

}  // namespace

ErrorFacts facts_of_error(int code) {
    if (const char* text = error_text(code); text != nullptr) return {code, text, false};
    const Added* entry = find_added(code);
    if (entry == nullptr) return {};
    return {entry->error_class, entry->text ? entry->text->c_str() : "", true};
}

int last_used_error_code() {
    return MPI_ERR_LASTCODE + static_cast<int>(added().size());
}

Status add_error_class(int& errorclass) {
    return add(-1, errorclass);
}

Status add_error_code(int errorclass, int& errorcode) {
    const ErrorFacts facts = facts_of_error(errorclass);
    if (facts.error_class != errorclass) {
        return fail(Status::arg, "errorclass is %d, which is no error class", errorclass);
    }
    return add(errorclass, errorcode);
}

Status add_error_string(int errorcode, const char* string) {
    Added* entry = find_added(errorcode);
    if (entry == nullptr) return not_added("errorcode", errorcode);
    try {
        std::string text = string;
        if (text.size() >= MPI_MAX_ERROR_STRING) {
            return fail(Status::arg, "string has %zu characters, must have at most %d", text.size(),
                        MPI_MAX_ERROR_STRING - 1);
        }
        entry->text = std::move(text);
    } catch (const std::bad_alloc&) {
        return fail(Status::no_mem, "no memory for an error string");
    }
    return Status::ok;
}

Status remove_error_class(int errorclass) {
    Added* entry = find_added(errorclass);
    if (entry == nullptr || entry->error_class != errorclass) {
        return not_added("errorclass", errorclass);
    }
    for (std::size_t i = 0; i < added().size(); ++i) {
        if (&added()[i] == entry || added()[i].error_class != errorclass) continue;
        return fail(Status::arg, "the class %d still has the code %d", errorclass, code_of(i));
    }
    remove(*entry);
    return Status::ok;
}

Status remove_error_code(int errorcode) {
    Added* entry = find_added(errorcode);
    if (entry == nullptr || entry->error_class == errorcode) {
        return not_added("errorcode", errorcode);
    }
    if (entry->text) return fail(Status::arg, "the code %d still has a string", errorcode);
    remove(*entry);
    return Status::ok;
}

Status remove_error_string(int errorcode) {
    Added* entry = find_added(errorcode);
    if (entry == nullptr || !entry->text) {
        return fail(Status::arg, "no string was added to the code %d", errorcode);
    }
    entry->text.reset();
    return Status::ok;
}

}  // namespace mpi
