// Setting, getting and deleting attributes (MPI-5.0 §7.7), and those that MPI itself sets
// (MPI-5.0 §9.1.2): which every communicator has, as programs ask for them on any.
#include "mpi/attr/attributes.hpp"

#include "mpi/core/check.hpp"
#include "mpi/core/process.hpp"
#include "mpi/core/user_errors.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

namespace {

template <class Object>
Status set_attribute(Carrier carrier, Object& object, int id, void* value) {
    Keyval* key = nullptr;
    if (Status s = find_keyval(carrier, id, key); s != Status::ok) return s;
    if (key->freed) return fail(Status::keyval, "the key %d is freed", id);
    return object.attributes.set(object.id, *key, value);
}

template <class Object>
Status get_attribute(Carrier carrier, Object& object, int id, void* value, int& flag) {
    Keyval* key = nullptr;
    if (Status s = find_keyval(carrier, id, key); s != Status::ok) return s;
    flag = object.attributes.get(*key, static_cast<void**>(value)) ? 1 : 0;
    return Status::ok;
}

template <class Object>
Status delete_attribute(Carrier carrier, Object& object, int id) {
    Keyval* key = nullptr;
    if (Status s = find_keyval(carrier, id, key); s != Status::ok) return s;
    return object.attributes.erase(object.id, *key);
}

/// What the launcher says, asked once.
const int& asked(std::optional<int>& known, adi::Result<int> (adi::Bootstrap::*question)(),
                 int unknown) {
    if (!known) {
        const adi::Result<int> answer = (process_state->boot.get()->*question)();
        known = answer.ok() ? *answer : unknown;
    }
    return *known;
}

/// The value of a predefined attribute, or null when it has none; in C attributes are addresses.
const int* predefined_value(int id) {
    static constexpr int kIo = MPI_ANY_SOURCE;  // every process can do I/O
    static constexpr int kHost = MPI_PROC_NULL;
    static constexpr int kNotGlobal = 0;
    static int last_used = 0;
    switch (id) {
        case MPI_TAG_UB: return &kTagUb;
        case MPI_IO: return &kIo;
        case MPI_HOST: return &kHost;
        case MPI_WTIME_IS_GLOBAL: return &kNotGlobal;
        case MPI_APPNUM: {
            const int& value = asked(process_state->appnum, &adi::Bootstrap::appnum, -1);
            return value >= 0 ? &value : nullptr;
        }
        case MPI_UNIVERSE_SIZE: {
            const int& value =
                asked(process_state->universe_size, &adi::Bootstrap::universe_size, 0);
            return value > 0 ? &value : nullptr;
        }
        case MPI_LASTUSEDCODE: last_used = last_used_error_code(); return &last_used;
        default: return nullptr;
    }
}

}  // namespace

Status delete_predefined_type_attributes() {
    using Traits = HandleTraits<Datatype>;
    for (Id id = Traits::first; id < Traits::first + Traits::count; ++id) {
        Datatype* type = table<Datatype>().find(id);
        if (type == nullptr) continue;
        if (Status s = delete_attributes(*type); s != Status::ok) return s;
    }
    return Status::ok;
}

Status comm_set_attr(Comm& comm, int comm_keyval, void* attribute_val) {
    return set_attribute(Carrier::comm, comm, comm_keyval, attribute_val);
}

Status comm_get_attr(Comm& comm, int comm_keyval, void* attribute_val, int& flag) {
    if (comm_keyval < MPI_TAG_UB || comm_keyval > MPI_UNIVERSE_SIZE) {
        return get_attribute(Carrier::comm, comm, comm_keyval, attribute_val, flag);
    }
    const int* value = predefined_value(comm_keyval);
    flag = value != nullptr ? 1 : 0;
    if (value != nullptr) *static_cast<const int**>(attribute_val) = value;
    return Status::ok;
}

Status comm_delete_attr(Comm& comm, int comm_keyval) {
    return delete_attribute(Carrier::comm, comm, comm_keyval);
}

Status type_set_attr(Datatype& type, int type_keyval, void* attribute_val) {
    return set_attribute(Carrier::type, type, type_keyval, attribute_val);
}

Status type_get_attr(Datatype& type, int type_keyval, void* attribute_val, int& flag) {
    return get_attribute(Carrier::type, type, type_keyval, attribute_val, flag);
}

Status type_delete_attr(Datatype& type, int type_keyval) {
    return delete_attribute(Carrier::type, type, type_keyval);
}

}  // namespace mpi
