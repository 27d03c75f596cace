// The checks of arguments, one per kind of parameter; the generated shells call them.
//
// Each returns Status::ok, or the error class that the standard names, with the sentence for people
// recorded by fail(). The tests are inline and short; the sentences are made out of line. `name` is
// the parameter's name in the standard.
#pragma once

#include <mpi.h>

#include <climits>
#include <cstdint>
#include <type_traits>

#include "mpi/core/comm.hpp"
#include "mpi/core/datatype.hpp"
#include "mpi/core/errhandler.hpp"
#include "mpi/core/error.hpp"
#include "mpi/core/group.hpp"
#include "mpi/core/info.hpp"
#include "mpi/core/int_array.hpp"
#include "mpi/core/object.hpp"
#include "mpi/core/op.hpp"

namespace mpi {

/// The largest tag, the value of the attribute MPI_TAG_UB.
inline constexpr int kTagUb = INT_MAX;

}  // namespace mpi

namespace mpi::check {

// The failing halves, out of line.
[[gnu::cold]] Status bad_handle(const char* name, std::uintptr_t value, Kind kind);
[[gnu::cold]] Status bad_predefined(const char* name, std::uintptr_t value, Kind kind);
[[gnu::cold]] Status bad_number(Status status, const char* name, Count value);
[[gnu::cold]] Status bad_element(Status status, const char* name, Count index, Count value);
[[gnu::cold]] Status bad_rank(const char* name, int rank, const Comm& comm, bool wildcard);
[[gnu::cold]] Status bad_member(const char* name, int rank, const Comm& comm);
[[gnu::cold]] Status bad_root(const char* name, int root, const Comm& comm);
[[gnu::cold]] Status not_an_intracommunicator(const char* name);
[[gnu::cold]] Status bad_tag(const char* name, int tag, bool wildcard);
[[gnu::cold]] Status bad_buffer(const char* name, const void* buffer);
[[gnu::cold]] Status uncommitted(const char* name);
[[gnu::cold]] Status null_argument(const char* name);
[[gnu::cold]] Status aliased(const char* name1, const char* name2);
[[gnu::cold]] Status op_not_defined(const Op& op, const Datatype& type);

/// Handles: `object` becomes the live object of `value`.
template <class T, class Handle>
[[gnu::always_inline]] inline Status handle(const char* name, Handle value, T*& object) {
    object = find<T>(value);
    if (object == nullptr) [[unlikely]] {
        return bad_handle(name, reinterpret_cast<std::uintptr_t>(value), HandleTraits<T>::kind);
    }
    return Status::ok;
}

/// Handles that may be the null handle, which gives a null `object`.
template <class T, class Handle>
Status handle_or_null(const char* name, Handle value, Handle null_handle, T*& object) {
    if (value == null_handle) return Status::ok;
    return handle(name, value, object);
}

/// A datatype that is asked whether it exists: the constants of Fortran's types that no compiler
/// here has are no objects, and give a null `object`.
inline Status handle_or_absent(const char* name, MPI_Datatype value, Datatype*& object) {
    if (value == MPI_REAL2 || value == MPI_COMPLEX4) return Status::ok;
    return handle(name, value, object);
}

/// A datatype that data is communicated with: it must be committed.
inline Status committed(const char* name, MPI_Datatype value, Datatype*& object) {
    if (Status s = handle(name, value, object); s != Status::ok) [[unlikely]]
        return s;
    return object->committed ? Status::ok : uncommitted(name);
}

/// Pointers that a result goes to, and other arguments that must not be null.
inline Status not_null(const char* name, const void* pointer) {
    return pointer != nullptr ? Status::ok : null_argument(name);
}
template <class Function>
requires std::is_function_v<Function> Status not_null(const char* name, Function* function) {
    return function != nullptr ? Status::ok : null_argument(name);
}
/// An array may be null when it has no elements.
inline Status array(const char* name, const void* pointer, Count length) {
    return pointer != nullptr || length <= 0 ? Status::ok : null_argument(name);
}

/// A live handle behind a pointer.
template <class T, class Handle>
Status live(const char* name, Handle* value, T*& object) {
    if (Status s = not_null(name, value); s != Status::ok) [[unlikely]]
        return s;
    return handle(name, *value, object);
}

/// A handle that the call frees: a pointer to a live handle that is not one of the constants.
/// Error handlers and groups may be (MPI_ERRORS_RETURN, MPI_GROUP_EMPTY): other calls return
/// those constants, and the standard asks to free what they return.
template <class T, class Handle>
Status freeable(const char* name, Handle* value, T*& object, bool constants_too = false) {
    if (Status s = live(name, value, object); s != Status::ok) [[unlikely]]
        return s;
    const auto bits = reinterpret_cast<std::uintptr_t>(*value);
    if (!constants_too && bits < HandleTraits<T>::first + HandleTraits<T>::count) [[unlikely]] {
        return bad_predefined(name, bits, HandleTraits<T>::kind);
    }
    return Status::ok;
}

/// A number that must not be negative; `status` is the error class otherwise.
inline Status not_negative(Status status, const char* name, Count value) {
    return value >= 0 ? Status::ok : bad_number(status, name, value);
}
/// An array of `length` such numbers.
inline Status not_negative(Status status, const char* name, IntArray values, Count length) {
    if (!values && length > 0) [[unlikely]]
        return null_argument(name);
    for (Count i = 0; i < length; ++i) {
        if (values[i] < 0) [[unlikely]]
            return bad_element(status, name, i, values[i]);
    }
    return Status::ok;
}

/// Ranks that one may send to and receive from. `in_range` is true for 0 .. peer_size - 1 only.
inline bool in_range(int rank, const Comm& comm) {
    return static_cast<unsigned>(rank) < static_cast<unsigned>(comm.peer_size);
}
inline Status dest(const char* name, int rank, const Comm& comm) {
    if (in_range(rank, comm) || rank == MPI_PROC_NULL) [[likely]]
        return Status::ok;
    return bad_rank(name, rank, comm, false);
}
inline Status source(const char* name, int rank, const Comm& comm) {
    if (in_range(rank, comm) || rank == MPI_PROC_NULL || rank == MPI_ANY_SOURCE) [[likely]] {
        return Status::ok;
    }
    return bad_rank(name, rank, comm, true);
}
/// A rank alone.
inline Status rank(const char* name, int value, const Comm& comm) {
    return in_range(value, comm) ? Status::ok : bad_member(name, value, comm);
}
/// The root of a collective; in an intercommunicator a rank of the remote group, MPI_ROOT at the
/// root itself, or MPI_PROC_NULL beside it.
inline Status root(const char* name, int rank, const Comm& comm) {
    if (in_range(rank, comm)) [[likely]]
        return Status::ok;
    if (comm.is_inter() && (rank == MPI_ROOT || rank == MPI_PROC_NULL)) return Status::ok;
    return bad_root(name, rank, comm);
}
/// Is this process the root of a collective whose root is good?
inline bool is_root(int rank, const Comm& comm) {
    return comm.is_inter() ? rank == MPI_ROOT : rank == comm.rank;
}
/// A communicator that must not be an intercommunicator.
inline Status intracommunicator(const char* name, const Comm& comm) {
    return comm.is_inter() ? not_an_intracommunicator(name) : Status::ok;
}
inline Status intracommunicator(const char* name, MPI_Comm value, Comm*& object) {
    if (Status s = handle(name, value, object); s != Status::ok) [[unlikely]]
        return s;
    return intracommunicator(name, *object);
}
/// A communicator that has a topology.
Status topology(const char* name, MPI_Comm value, Comm*& object);
/// From how many neighbours does this process receive, to how many does it send?
Count sources(const Comm& comm);
Count destinations(const Comm& comm);
/// Does a collective's buffer argument stand for the other one? Not in an intercommunicator, where
/// the check of the buffer then refuses it.
inline bool in_place(const void* buffer, const Comm& comm) {
    return buffer == MPI_IN_PLACE && !comm.is_inter();
}

inline Status tag(const char* name, int value) {
    return value >= 0 ? Status::ok : bad_tag(name, value, false);
}
inline Status tag_or_any(const char* name, int value) {
    return value >= 0 || value == MPI_ANY_TAG ? Status::ok : bad_tag(name, value, true);
}

/// A buffer of `count` elements. Null (MPI_BOTTOM) is wrong for data that starts at the buffer;
/// MPI_IN_PLACE is wrong here, the shells let it pass where the standard does.
inline Status buffer(const char* name, const void* pointer, Count count, const Datatype& type) {
    if (reinterpret_cast<std::uintptr_t>(pointer) > 1) [[likely]]
        return Status::ok;
    if (pointer == nullptr && (count <= 0 || type.size == 0 || !type.dense)) return Status::ok;
    return bad_buffer(name, pointer);
}
/// A buffer of counts[0] + … + counts[length - 1] elements.
inline Status buffer(const char* name, const void* pointer, IntArray counts, Count length,
                     const Datatype& type) {
    if (reinterpret_cast<std::uintptr_t>(pointer) > 1) [[likely]]
        return Status::ok;
    Count total = 0;
    for (Count i = 0; i < length; ++i) total += counts[i];
    return buffer(name, pointer, total, type);
}
/// A buffer of blocks that each have a datatype and a place of their own: null may be MPI_BOTTOM.
inline Status buffer(const char* name, const void* pointer, IntArray, Count, DatatypeArray) {
    return pointer != MPI_IN_PLACE ? Status::ok : bad_buffer(name, pointer);
}
/// Plain memory of `bytes` bytes.
inline Status memory(const char* name, const void* pointer, Count bytes) {
    return pointer != nullptr || bytes <= 0 ? Status::ok : bad_buffer(name, pointer);
}

/// Two buffers of one collective call, both with data, must not be the same (MPI-5.0 §6.2).
inline Status distinct(const char* name1, const void* buffer1, Count count1, const char* name2,
                       const void* buffer2, Count count2) {
    if (buffer1 != buffer2 || buffer1 == nullptr || count1 <= 0 || count2 <= 0) [[likely]] {
        return Status::ok;
    }
    return aliased(name1, name2);
}

/// An operation that is defined on `type`.
inline Status op(const char* name, MPI_Op value, Op*& object, const Datatype& type) {
    if (Status s = handle(name, value, object); s != Status::ok) [[unlikely]]
        return s;
    if (object->accepts(type)) [[likely]]
        return Status::ok;
    return op_not_defined(*object, type);
}

/// An array of live datatypes.
Status datatypes(const char* name, const MPI_Datatype* handles, Count length);
/// An array of datatypes that data is communicated with; `checked` becomes `handles`.
Status committed(const char* name, const MPI_Datatype* handles, Count length,
                 const MPI_Datatype*& checked);

}  // namespace mpi::check

namespace mpi {

/// The handle of a new object, or the kind's null handle for null.
template <class Handle, class T>
Handle encode(const T* object, Handle null_handle) {
    return object != nullptr ? handle_of<Handle>(*object) : null_handle;
}

/// A 64-bit result as the `int` that the functions of MPI-1 give: MPI_UNDEFINED when it does not
/// fit (MPI-5.0 §2.5.8).
inline void store(int* result, Count value) {
    *result = value <= INT_MAX && value >= INT_MIN ? static_cast<int>(value) : MPI_UNDEFINED;
}
inline void store(MPI_Count* result, Count value) {
    *result = value;
}

}  // namespace mpi
