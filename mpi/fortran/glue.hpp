// What the glue between Fortran and C is made of. The glue stands on the C functions of the
// standard and on nothing else of Fathom, so it needs no change when the library does.
//
// A handle's INTEGER in Fortran is the value of the handle in C: an ABI constant or a 32-bit id. A
// LOGICAL is false if and only if it is 0. A status is the same in both languages.
#pragma once

#include <mpi.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

/// A procedure that Fortran calls, and another name for one. The names without P are weak, so that
/// a tool may have its own.
#define FORTRAN extern "C" [[gnu::visibility("default")]]
#define ALIAS extern "C" [[gnu::visibility("default"), gnu::weak]]

namespace fortran {

using Fint = std::int32_t;
using Faint = std::intptr_t;

/// MPI_BOTTOM and the other names that stand for an address: the common block that mpif.h and the
/// modules declare. The library refers to it as any program does, so that it sees the one copy that
/// the linker has chosen.
struct Addresses {
    Fint bottom;
    Fint in_place;
    Fint buffer_automatic;
    Fint unweighted;
    Fint weights_empty;
    Fint errcodes_ignore;
    MPI_Status status_ignore;
    MPI_Status statuses_ignore;
    char argv_null;
    char argvs_null;
};
extern "C" [[gnu::visibility("default")]] Addresses mpi_fathom_addresses_;

/// The constant of C for an address inside of the common block.
void* special_address(std::size_t offset);

/// What C is to be given for an address that came from Fortran.
template <class T>
T* actual(T* given) {
    const std::size_t offset = reinterpret_cast<std::uintptr_t>(given) -
                               reinterpret_cast<std::uintptr_t>(&mpi_fathom_addresses_);
    if (offset >= sizeof(Addresses)) [[likely]]
        return given;
    return static_cast<T*>(special_address(offset));
}

template <class Handle>
Handle handle(const Fint* given) {
    return reinterpret_cast<Handle>(
        static_cast<std::uintptr_t>(static_cast<std::uint32_t>(*given)));
}

template <class Handle>
Fint integer(Handle handle) {
    return static_cast<Fint>(reinterpret_cast<std::uintptr_t>(handle));
}

/// `ierror` is null where the program left it out.
inline void finish(Fint* ierror, int outcome) {
    if (ierror != nullptr) *ierror = outcome;
}

inline Fint logical(int flag) {
    return flag != 0 ? 1 : 0;
}
void logicals(Fint* values, Fint count);

/// Counts positions from 1; MPI_UNDEFINED stays, and what a failed call did not write.
void from_one(Fint* positions, Fint count, int outcome);

/// How many elements arrays have that no argument tells the length of: one for each process that a
/// collective call talks to, or for each neighbour. 0 where the call itself will fail.
Fint peers(const Fint* comm);
struct Neighbours {
    int in;
    int out;
};
Neighbours neighbours(const Fint* comm);

/// A handle that a call reads, writes, or both: the callee sees the C form, and the program's
/// INTEGER is written when the call is over.
template <class Handle>
class HandleOut {
  public:
    explicit HandleOut(Fint* where) : where_(where), value_(handle<Handle>(where)) {}
    ~HandleOut() { *where_ = integer(value_); }
    HandleOut(const HandleOut&) = delete;
    HandleOut& operator=(const HandleOut&) = delete;
    operator Handle*() { return &value_; }

  private:
    Fint* where_;
    Handle value_;
};

/// A copy of an array with elements of another type; short ones need no memory from the heap.
template <class T>
class Copy {
  public:
    explicit Copy(std::int64_t count) : count_(count > 0 ? static_cast<std::size_t>(count) : 0) {
        if (count_ > few_.size()) many_.reset(new T[count_]);
    }
    T* data() { return many_ ? many_.get() : few_.data(); }
    [[nodiscard]] std::size_t size() const { return count_; }

  private:
    std::size_t count_;
    std::array<T, 64> few_;
    std::unique_ptr<T[]> many_;
};

/// Handles that a call reads.
template <class Handle>
class HandleArray {
  public:
    HandleArray(const Fint* from, std::int64_t count) : copy_(count) {
        for (std::size_t i = 0; i < copy_.size(); ++i) copy_.data()[i] = handle<Handle>(from + i);
    }
    operator Handle*() { return copy_.data(); }

  private:
    Copy<Handle> copy_;
};

/// Handles that a call reads and writes.
template <class Handle>
class HandlesOut {
  public:
    HandlesOut(Fint* where, std::int64_t count) : where_(where), copy_(count) {
        for (std::size_t i = 0; i < copy_.size(); ++i) copy_.data()[i] = handle<Handle>(where + i);
    }
    ~HandlesOut() {
        for (std::size_t i = 0; i < copy_.size(); ++i) where_[i] = integer(copy_.data()[i]);
    }
    HandlesOut(const HandlesOut&) = delete;
    HandlesOut& operator=(const HandlesOut&) = delete;
    operator Handle*() { return copy_.data(); }

  private:
    Fint* where_;
    Copy<Handle> copy_;
};

/// Addresses that MPI-1 gave as INTEGER, of which they have the lowest 32 bits. The difference of
/// two is right as long as the two are less than 2 GiB apart, which is what old programs need.
class WideArray {
  public:
    WideArray(const Fint* from, std::int64_t count) : copy_(count) {
        for (std::size_t i = 0; i < copy_.size(); ++i) copy_.data()[i] = from[i];
    }
    operator MPI_Aint*() { return copy_.data(); }

  private:
    Copy<MPI_Aint> copy_;
};

class ShortAddress {
  public:
    explicit ShortAddress(Fint* where) : where_(where), value_(*where) {}
    ~ShortAddress() { *where_ = static_cast<Fint>(value_); }
    ShortAddress(const ShortAddress&) = delete;
    ShortAddress& operator=(const ShortAddress&) = delete;
    operator MPI_Aint*() { return &value_; }

  private:
    Fint* where_;
    MPI_Aint value_;
};

/// A string from Fortran: blanks at its end are no part of it.
class Text {
  public:
    Text(const char* text, std::size_t length);
    /// For keys and values of an info object: blanks at the front go too.
    static Text without_blanks(const char* text, std::size_t length);
    operator const char*() const { return text_.c_str(); }

  private:
    std::string text_;
};

/// A string for Fortran, padded with blanks. If the call writes nothing, it stays as it was.
class TextOut {
  public:
    TextOut(char* where, std::size_t length);
    ~TextOut();
    TextOut(const TextOut&) = delete;
    TextOut& operator=(const TextOut&) = delete;
    operator char*() { return text_.data(); }

  private:
    char* where_;
    std::size_t length_;
    std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text_;  // the longest that MPI has
};

/// The length of a string's variable, which in C has one more for the null at the end.
class TextLength {
  public:
    explicit TextLength(Fint* where)
        : where_(where), given_(*where > 0 ? *where + 1 : 0), value_(given_) {}
    ~TextLength() {
        if (value_ != given_) *where_ = value_ - 1;
    }
    TextLength(const TextLength&) = delete;
    TextLength& operator=(const TextLength&) = delete;
    operator int*() { return &value_; }

  private:
    Fint* where_;
    int given_;
    int value_;
};

}  // namespace fortran
