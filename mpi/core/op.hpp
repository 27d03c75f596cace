// Reduction operations (MPI-5.0 §6.9).
#pragma once

#include <mpi.h>

#include "mpi/core/datatype.hpp"
#include "mpi/core/object.hpp"

namespace mpi {

/// inout[i] = in[i] op inout[i] for `n` elements of one machine type, at any alignment. The two
/// do not overlap.
using ReduceKernel = void (*)(const void* in, void* inout, Count n);

/// What a user makes an operation of: a function with int counts or, by the large-count variant,
/// one with MPI_Count counts. Exactly one of the two is set.
struct UserFunction {
    UserFunction(MPI_User_function* f) : plain(f) {}
    UserFunction(MPI_User_function_c* f) : large(f) {}
    MPI_User_function* plain = nullptr;
    MPI_User_function_c* large = nullptr;
};

/// A reduction operation: one of the predefined ones, or a user's function.
struct Op : Object {
    MPI_User_function* function = nullptr;      ///< of a user, see UserFunction
    MPI_User_function_c* function_c = nullptr;  ///< of a user, see UserFunction
    bool commutative = true;
    bool predefined = false;
    std::uint16_t categories = 0;           ///< predefined: bit c is set when Category c is allowed
    const ReduceKernel* kernels = nullptr;  ///< predefined: indexed by Machine

    /// Is this operation defined for elements of `type` (MPI-5.0 §6.9.2)? Always for user's ones.
    bool accepts(const Datatype& type) const {
        return !predefined || (categories >> static_cast<unsigned>(type.category) & 1) != 0;
    }

    /// inout[i] = in[i] op inout[i] for `count` elements of `type`. The operands' order matters for
    /// non-commutative operations: `in` comes from the lower rank. The buffers do not overlap.
    /// accepts(type) holds. Predefined operations run on whole vectors at the machine's speed.
    void apply(const void* in, void* inout, Count count, const Datatype& type) const {
        if (predefined) [[likely]] {
            kernels[static_cast<std::size_t>(type.machine)](in, inout, count);
        } else {
            apply_user(in, inout, count, type);
        }
    }

  private:
    void apply_user(const void* in, void* inout, Count count, const Datatype& type) const;
};

template <>
struct HandleTraits<Op> {
    static constexpr Kind kind = Kind::op;
    static constexpr Id first = 0x20, count = 32;
};

inline void retain(Op* op) {
    ++op->refs;
}
/// Drops one reference; the last one destroys a user-made operation.
void release(Op* op);

/// Binds the predefined operations' handles; called once by MPI_Init.
void predefine_ops();

}  // namespace mpi
