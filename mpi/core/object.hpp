// Handles and the objects behind them.
//
// A handle is the ABI's incomplete-struct pointer, but its value is never dereferenced. Predefined
// handles are the ABI's small constants. Every other handle's value *is* the object's 32-bit id:
//
//     bits 30..27 kind | 26..22 generation | 21..0 slot in the kind's table
//
// so a null, freed, garbage or wrong-kind handle is told apart from a live one by one table
// look-up, and MPI_*_toint and Fortran handles are plain conversions (MPI-5.0 §20.3.4).
#pragma once

#include <array>
#include <cstdint>
#include <new>
#include <utility>

namespace mpi {

using Id = std::uint32_t;

enum class Kind : Id {
    comm = 1,
    group,
    datatype,
    request,
    op,
    errhandler,
    info,
    message,
    session,
    keyval
};

/// Base of everything that has a handle. `refs` counts the handle itself and every pending use
/// (a datatype in a posted receive, a communicator with an active request): MPI lets users free a
/// handle while operations are pending (MPI-5.0 §3.7.3, §5.1.9).
struct Object {
    Id id = 0;
    std::uint32_t refs = 1;
};

/// Where `T`'s predefined handles lie; specialised beside each object type.
///   kind, first (smallest ABI constant), count (constants reserved from there on)
template <class T>
struct HandleTraits;

/// All objects of one kind in this process. Not thread safe: callers hold the MPI lock.
/// Slots are recycled, their memory is never returned while the process lives.
template <class T>
class Table {
    static constexpr Id kSlotBits = 22;
    static constexpr Id kSlotMask = (Id{1} << kSlotBits) - 1;
    static constexpr Id kGenerationMask = 31;
    static constexpr Id kChunkBits = 7;
    static constexpr Id kChunkSize = Id{1} << kChunkBits;
    using Traits = HandleTraits<T>;

    struct Slot {
        Id live = 0;     ///< the id while an object lives here, else 0
        Id retired = 0;  ///< the id of an object that lives on without a handle, else 0
        Id generation = 0;
        Id next_free = 0;  ///< slot + 1 of the next free one, 0 for none
        alignas(T) unsigned char storage[sizeof(T)];
        T* object() { return std::launder(reinterpret_cast<T*>(storage)); }
    };

  public:
    /// The live object of handle value `value`, or null when there is none. Always inline: every
    /// MPI call does it, with few instructions for the handles that are constants.
    [[gnu::always_inline]] T* find(std::uintptr_t value) {
        const std::uintptr_t p = value - Traits::first;
        if (p < Traits::count) return predefined_[p];
        const Id id = static_cast<Id>(value);
        const Id slot = id & kSlotMask;
        if (value != id || slot >= used_) return nullptr;
        Slot& s = slot_at(slot);
        return s.live == id && id != 0 ? s.object() : nullptr;
    }

    /// Makes an object; its handle's value is the result's `id`. Null when 4 Mi objects of the
    /// kind live already or memory is short.
    template <class... Args>
    T* create(Args&&... args) {
        if (free_ == 0 && !grow()) return nullptr;
        const Id slot = free_ - 1;
        Slot& s = slot_at(slot);
        T* object = new (s.storage) T(std::forward<Args>(args)...);
        free_ = s.next_free;
        s.live = (static_cast<Id>(Traits::kind) << 27) | (s.generation << kSlotBits) | slot;
        object->id = s.live;
        return object;
    }

    /// Destroys an object made by create(); its handle and all copies of it become invalid.
    void destroy(T* object) {
        const Id slot = object->id & kSlotMask;
        Slot& s = slot_at(slot);
        object->~T();
        s.live = s.retired = 0;
        s.generation = (s.generation + 1) & kGenerationMask;
        s.next_free = free_;
        free_ = slot + 1;
    }

    /// Makes the handle of `object` invalid now, while pending uses keep the object itself.
    void retire(T* object) {
        Slot& s = slot_at(object->id & kSlotMask);
        s.retired = s.live;
        s.live = 0;
    }

    /// The object that had this handle when it was retired, or null: for the one call that the
    /// standard lets users make with it (MPI_Grequest_complete).
    T* find_retired(std::uintptr_t value) {
        const Id id = static_cast<Id>(value);
        const Id slot = id & kSlotMask;
        if (value != id || id == 0 || slot >= used_) return nullptr;
        Slot& s = slot_at(slot);
        return s.retired == id ? s.object() : nullptr;
    }

    /// Binds an ABI constant to an object that the caller owns.
    void predefine(Id value, T* object) {
        object->id = value;
        predefined_[value - Traits::first] = object;
    }

    /// Takes that back.
    void undefine(Id value) { predefined_[value - Traits::first] = nullptr; }

    /// Calls f(T&) for every live object that create() made.
    template <class F>
    void for_each(F f) {
        for (Id slot = 0; slot < used_; ++slot) {
            if (Slot& s = slot_at(slot); s.live != 0) f(*s.object());
        }
    }

  private:
    Slot& slot_at(Id slot) { return chunks_[slot >> kChunkBits][slot & (kChunkSize - 1)]; }

    bool grow() {
        const Id chunk = used_ >> kChunkBits;
        if (chunk >= chunks_.size()) return false;
        chunks_[chunk] = new (std::nothrow) Slot[kChunkSize];
        if (chunks_[chunk] == nullptr) return false;
        for (Id i = kChunkSize; i-- > 0;) {
            chunks_[chunk][i].next_free = free_;
            free_ = used_ + i + 1;
        }
        used_ += kChunkSize;
        return true;
    }

    std::array<T*, Traits::count> predefined_{};
    // All zero at first and without a destructor: a table is pages of .bss that cost nothing until
    // used, and access to the static instance needs no guard.
    std::array<Slot*, (Id{1} << (kSlotBits - kChunkBits))> chunks_{};
    Id used_ = 0;
    Id free_ = 0;  ///< slot + 1 of the first free one, 0 for none
};

/// The process's table of a kind.
template <class T>
Table<T>& table() {
    static constinit Table<T> instance;
    return instance;
}

/// The live object of a handle, or null (also for the kind's null handle).
template <class T, class Handle>
T* find(Handle handle) {
    return table<T>().find(reinterpret_cast<std::uintptr_t>(handle));
}

/// The handle of an object.
template <class Handle>
Handle handle_of(const Object& object) {
    return reinterpret_cast<Handle>(static_cast<std::uintptr_t>(object.id));
}

}  // namespace mpi
