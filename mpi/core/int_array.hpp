// Views of the integer and handle arrays that users pass.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <type_traits>

#include "mpi/core/datatype.hpp"
#include "mpi/core/object.hpp"

namespace mpi {

/// The user's array of counts, displacements or block lengths, whose elements are `int` in the
/// functions of MPI-1 and 64 bits wide in those with MPI_Aint and in the large-count variants;
/// bodies see 64 bits. A view: it owns nothing and knows no length. Null when the argument is not
/// significant on this process (a root-only argument elsewhere, a send argument with MPI_IN_PLACE).
class IntArray {
  public:
    IntArray() = default;
    IntArray(const int* elements) : elements_(elements) {}
    IntArray(const std::int64_t* elements) : elements_(elements), wide_(true) {}

    explicit operator bool() const { return elements_ != nullptr; }

    /// Element `i`; the view is not null, and the caller knows that `i` is within the array.
    template <class Index>
    Count operator[](Index i) const {
        static_assert(std::is_integral_v<Index>);
        return wide_ ? static_cast<const std::int64_t*>(elements_)[i]
                     : static_cast<const int*>(elements_)[i];
    }

  private:
    const void* elements_ = nullptr;
    bool wide_ = false;
};
static_assert(std::is_same_v<MPI_Aint, std::int64_t>, "IntArray reads MPI_Aint as 64 bits");
static_assert(std::is_same_v<MPI_Count, std::int64_t>, "IntArray reads MPI_Count as 64 bits");

/// The user's array of datatypes, every element of which was checked to be live, or one of objects.
/// Null when the argument is not significant on this process.
class DatatypeArray {
  public:
    DatatypeArray() = default;
    explicit DatatypeArray(const MPI_Datatype* handles) : handles_(handles) {}
    explicit DatatypeArray(Datatype* const* objects) : objects_(objects) {}

    explicit operator bool() const { return handles_ != nullptr || objects_ != nullptr; }

    template <class Index>
    Datatype& operator[](Index i) const {
        static_assert(std::is_integral_v<Index>);
        return objects_ != nullptr ? *objects_[i] : *find<Datatype>(handles_[i]);
    }

  private:
    const MPI_Datatype* handles_ = nullptr;
    Datatype* const* objects_ = nullptr;
};

}  // namespace mpi
