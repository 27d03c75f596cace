// Attributes: values that programs hang on communicators, datatypes and windows, under keys that
// they make (MPI-5.0 §7.7). The same for all three; what differs is the signature of the callbacks.
#pragma once

#include <mpi.h>

#include <vector>

#include "mpi/core/error.hpp"
#include "mpi/core/object.hpp"

namespace mpi {

/// What a key's attributes hang on.
enum class Carrier : std::uint8_t { comm, type };

/// A key. References are held by the user, until the key is freed, and by every attribute: a key
/// that was freed still gets and deletes the attributes that exist.
struct Keyval : Object {
    Carrier carrier = Carrier::comm;
    bool freed = false;
    void* extra_state = nullptr;
    // The user's functions, by carrier; null, and dup for copies, are the predefined ones.
    MPI_Comm_copy_attr_function* comm_copy = nullptr;
    MPI_Comm_delete_attr_function* comm_delete = nullptr;
    MPI_Type_copy_attr_function* type_copy = nullptr;
    MPI_Type_delete_attr_function* type_delete = nullptr;

    /// Calls the user's copy function, with `owner` the old object's handle; `flag` says whether
    /// the attribute goes along. What the function returned, an error code.
    Status copy(Id owner, void* value, void** copied, bool* flag);
    /// Calls the user's delete function.
    Status erase(Id owner, void* value);
};

/// Keys are integers in MPI: the object's id.
template <>
struct HandleTraits<Keyval> {
    static constexpr Kind kind = Kind::keyval;
    static constexpr Id first = 0, count = 1;  // MPI_KEYVAL_INVALID
};

/// The attributes of one object, in the order in which they were set. The callbacks may use MPI,
/// and may change the attributes of this object too.
class AttributeList {
  public:
    AttributeList() = default;
    AttributeList(const AttributeList&) = delete;
    AttributeList& operator=(const AttributeList&) = delete;
    /// Attributes that are left are forgotten, without a callback.
    ~AttributeList();

    bool empty() const { return entries_.empty(); }
    /// Whether there is one, and its value.
    bool get(const Keyval& key, void** value) const;
    /// Sets one; one of the same key is deleted first, and stays when its callback fails.
    Status set(Id owner, Keyval& key, void* value);
    /// Deletes one. Fails when there is none, or when its callback fails; it stays then.
    Status erase(Id owner, Keyval& key);
    /// Deletes all, the last one first. Stops at a callback that fails; the rest stays then.
    Status erase_all(Id owner);
    /// Copies those whose callbacks say so into `to`, which is empty and belongs to `new_owner`.
    /// When a callback fails, those already copied are deleted again.
    Status copy_to(Id owner, AttributeList& to, Id new_owner) const;

  private:
    struct Entry {
        Keyval* key;  // one reference held
        void* value;
    };
    void forget(const Keyval& key);

    std::vector<Entry> entries_;
};

/// Drops one reference; the last one destroys the key.
void release(Keyval* key);

}  // namespace mpi
