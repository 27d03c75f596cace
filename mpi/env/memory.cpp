// Memory from MPI (MPI-5.0 §9.2).
#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>
#include <string>
#include <unordered_set>

#include "adi/base/number.hpp"
#include "mpi/core/error.hpp"
#include "mpi/core/info.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

namespace {

/// What MPI_Alloc_mem gave and MPI_Free_mem has not taken back.
std::unordered_set<const void*>& blocks() {
    static std::unordered_set<const void*> set;
    return set;
}

/// A cache line, or more if the hint asks for it; 0 when the hint makes no sense.
std::size_t alignment_of(const Info* info) {
    constexpr std::size_t kLeast = 64;
    const std::string* hint =
        info != nullptr ? info->find("mpi_minimum_memory_alignment") : nullptr;
    if (hint == nullptr) return kLeast;
    const auto wanted = adi::parse_number<std::size_t>(trimmed(*hint));
    if (!wanted || !std::has_single_bit(*wanted)) return 0;
    return std::max(*wanted, kLeast);
}

}  // namespace

Status alloc_mem(Aint size, const Info* info, void* baseptr) {
    if (size < 0) {
        return fail(Status::arg, "size is %lld, must be at least 0", static_cast<long long>(size));
    }
    const std::size_t alignment = alignment_of(info);
    if (alignment == 0) {
        return fail(Status::info_value,
                    "mpi_minimum_memory_alignment is \"%s\", must be a power of 2",
                    info->find("mpi_minimum_memory_alignment")->c_str());
    }
    void* block = nullptr;
    const std::size_t bytes = size > 0 ? static_cast<std::size_t>(size) : 1;
    if (posix_memalign(&block, alignment, bytes) != 0) block = nullptr;
    try {
        if (block != nullptr) blocks().insert(block);
    } catch (const std::bad_alloc&) {
        std::free(block);
        block = nullptr;
    }
    if (block == nullptr) {
        return fail(Status::no_mem, "no memory for %lld bytes", static_cast<long long>(size));
    }
    *static_cast<void**>(baseptr) = block;
    return Status::ok;
}

Status free_mem(const void* base) {
    if (blocks().erase(base) == 0) {
        return fail(Status::base,
                    "base is %p, which MPI_Alloc_mem did not give, or is freed already", base);
    }
    std::free(const_cast<void*>(base));
    return Status::ok;
}

}  // namespace mpi
