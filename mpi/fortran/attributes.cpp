// Attributes. A value that Fortran sets is an integer; C sees the address of it (MPI-5.0 §19.3.7),
// so the glue keeps each one in a cell. A value that C has set is an address, and Fortran sees it
// as an integer. The predefined attributes are addresses of an int in C, and that int in Fortran.
//
// The copy and delete functions have other arguments in Fortran. C is given functions of the glue
// with the program's in their extra state.
#include <mutex>
#include <unordered_map>
#include <vector>

#include "mpi/fortran/glue.hpp"

using namespace fortran;

namespace {

/// The values that Fortran has set, by the address that C knows each by.
class Cells {
  public:
    /// A cell that holds `value`.
    void* make(Faint value) {
        auto cell = std::make_unique<Faint>(value);
        const std::lock_guard lock(mutex_);
        void* address = cell.get();
        cells_.emplace(address, std::move(cell));
        return address;
    }

    /// The integer that an attribute is for Fortran.
    Faint value(void* attribute) {
        const std::lock_guard lock(mutex_);
        const auto found = cells_.find(attribute);
        return found != cells_.end() ? *found->second : reinterpret_cast<Faint>(attribute);
    }

    /// Gives back a cell; does nothing for an address that C has set.
    void drop(void* attribute) {
        const std::lock_guard lock(mutex_);
        cells_.erase(attribute);
    }

  private:
    std::mutex mutex_;
    std::unordered_map<void*, std::unique_ptr<Faint>> cells_;
};

/// Attributes may be deleted as late as in MPI_Finalize of a program that ends: it lives for ever.
Cells& cells() {
    static Cells& its = *new Cells;
    return its;
}

/// What a keyval's functions are, with values of type `Value`: INTEGER for MPI_KEYVAL_CREATE.
template <class Value>
struct Keyval {
    using Copy = void (*)(Fint* object, Fint* keyval, Value* extra_state, Value* value_in,
                          Value* value_out, Fint* flag, Fint* ierror);
    using Delete = void (*)(Fint* object, Fint* keyval, Value* value, Value* extra_state,
                            Fint* ierror);
    Copy copy;
    Delete remove;
    Value extra_state;
};

template <class Value, class Handle>
int copy(Handle object, int keyval, void* extra_state, void* value_in, void* value_out, int* flag) {
    auto its = *static_cast<Keyval<Value>*>(extra_state);
    Fint object_f = integer(object);
    Fint keep = logical(0);
    Fint ierror = MPI_SUCCESS;
    Value in = static_cast<Value>(cells().value(value_in));
    Value out = 0;
    its.copy(&object_f, &keyval, &its.extra_state, &in, &out, &keep, &ierror);
    *flag = keep != 0;
    if (ierror == MPI_SUCCESS && *flag) *static_cast<void**>(value_out) = cells().make(out);
    return ierror;
}

template <class Value, class Handle>
int remove(Handle object, int keyval, void* value, void* extra_state) {
    auto its = *static_cast<Keyval<Value>*>(extra_state);
    Fint object_f = integer(object);
    Fint ierror = MPI_SUCCESS;
    Value removed = static_cast<Value>(cells().value(value));
    its.remove(&object_f, &keyval, &removed, &its.extra_state, &ierror);
    if (ierror == MPI_SUCCESS) cells().drop(value);
    return ierror;
}

/// Attributes outlive their keyval, so its functions are kept until the program ends.
template <class Value>
void* keep(typename Keyval<Value>::Copy copy, typename Keyval<Value>::Delete remove,
           Value extra_state) {
    static std::mutex mutex;
    static auto& kept = *new std::vector<std::unique_ptr<Keyval<Value>>>;
    const std::lock_guard lock(mutex);
    return kept.emplace_back(new Keyval<Value>{copy, remove, extra_state}).get();
}

template <class Handle>
int set(int (*call)(Handle, int, void*), Handle object, int keyval, Faint value) {
    void* cell = cells().make(value);
    const int outcome = call(object, keyval, cell);
    if (outcome != MPI_SUCCESS) cells().drop(cell);
    return outcome;
}

bool predefined(int keyval) {
    return keyval >= MPI_TAG_UB && keyval <= MPI_UNIVERSE_SIZE;
}

template <class Value, class Handle>
int get(int (*call)(Handle, int, void*, int*), Handle object, int keyval, Value* value,
        Fint* flag) {
    void* found = nullptr;
    int has = 0;
    const int outcome = call(object, keyval, &found, &has);
    if (outcome != MPI_SUCCESS) return outcome;
    *flag = logical(has);
    if (has)
        *value = static_cast<Value>(predefined(keyval) ? *static_cast<int*>(found)
                                                       : cells().value(found));
    return outcome;
}

}  // namespace

#define KEYVAL(Value, Handle, symbol, call)                                              \
    FORTRAN void symbol##_(Keyval<Value>::Copy copy_fn, Keyval<Value>::Delete delete_fn, \
                           Fint* keyval, const Value* extra_state, Fint* ierror) {       \
        finish(ierror, call(copy<Value, Handle>, remove<Value, Handle>, keyval,          \
                            keep<Value>(copy_fn, delete_fn, *extra_state)));             \
    }

#define ATTRIBUTE(Value, Handle, set_symbol, set_call, get_symbol, get_call)                     \
    FORTRAN void set_symbol##_(const Fint* object, const Fint* keyval, const Value* value,       \
                               Fint* ierror) {                                                   \
        finish(ierror, set(set_call, handle<Handle>(object), *keyval, *value));                  \
    }                                                                                            \
    FORTRAN void get_symbol##_(const Fint* object, const Fint* keyval, Value* value, Fint* flag, \
                               Fint* ierror) {                                                   \
        finish(ierror, get(get_call, handle<Handle>(object), *keyval, value, flag));             \
    }

#define F08(symbol) ALIAS decltype(symbol##_) symbol##_f08_ __attribute__((alias(#symbol "_")));

#define ALL(p, P)                                                                                 \
    KEYVAL(Fint, MPI_Comm, p##mpi_keyval_create, P##MPI_Keyval_create)                            \
    ATTRIBUTE(Fint, MPI_Comm, p##mpi_attr_put, P##MPI_Attr_put, p##mpi_attr_get, P##MPI_Attr_get) \
    KEYVAL(Faint, MPI_Comm, p##mpi_comm_create_keyval, P##MPI_Comm_create_keyval)                 \
    ATTRIBUTE(Faint, MPI_Comm, p##mpi_comm_set_attr, P##MPI_Comm_set_attr, p##mpi_comm_get_attr,  \
              P##MPI_Comm_get_attr)                                                               \
    KEYVAL(Faint, MPI_Datatype, p##mpi_type_create_keyval, P##MPI_Type_create_keyval)             \
    ATTRIBUTE(Faint, MPI_Datatype, p##mpi_type_set_attr, P##MPI_Type_set_attr,                    \
              p##mpi_type_get_attr, P##MPI_Type_get_attr)                                         \
    F08(p##mpi_comm_create_keyval)                                                                \
    F08(p##mpi_comm_set_attr)                                                                     \
    F08(p##mpi_comm_get_attr)                                                                     \
    F08(p##mpi_type_create_keyval)                                                                \
    F08(p##mpi_type_set_attr)                                                                     \
    F08(p##mpi_type_get_attr)

ALL(, )
ALL(p, P)
