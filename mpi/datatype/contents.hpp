// Contents: the constructor call that made a derived datatype, as MPI_Type_get_envelope and
// MPI_Type_get_contents (MPI-5.0 §5.1.13) return it.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "mpi/core/datatype.hpp"

namespace mpi {

/// Integers in the order of the standard's table of contents, kept in 4 bytes each as long as all
/// of them fit: an indexed type has two for every block.
class Integers {
  public:
    void reserve(std::size_t n) { narrow_.reserve(n); }

    void push(Count value) {
        constexpr Count kMin = std::numeric_limits<std::int32_t>::min();
        constexpr Count kMax = std::numeric_limits<std::int32_t>::max();
        if (wide_.empty() && value >= kMin && value <= kMax) {
            narrow_.push_back(static_cast<std::int32_t>(value));
            return;
        }
        if (wide_.empty()) {
            wide_.assign(narrow_.begin(), narrow_.end());
            narrow_ = {};
        }
        wide_.push_back(value);
    }

    std::size_t size() const { return wide_.empty() ? narrow_.size() : wide_.size(); }
    Count operator[](std::size_t i) const { return wide_.empty() ? narrow_[i] : wide_[i]; }
    /// Does every integer fit an int? Always, when no large-count constructor was called.
    bool all_int() const { return wide_.empty(); }

  private:
    std::vector<std::int32_t> narrow_;
    std::vector<Count> wide_;
};

/// The arguments are kept as MPI_Type_get_contents returns them of a constructor with int counts;
/// decode.cpp sorts them anew for one with large counts. Shared by the objects that
/// MPI_Type_get_contents makes of one type.
struct Contents {
    int combiner = MPI_COMBINER_NAMED;
    bool large = false;  ///< the constructor's variant for large counts was called
    Integers integers;
    std::vector<Count> addresses;  ///< displacements and strides in bytes
    std::vector<Datatype*> types;  ///< one reference held to each, dropped by release()
};

}  // namespace mpi
