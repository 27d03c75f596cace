// Keys of attributes (MPI-5.0 §7.7.2, §7.7.4).
#include "mpi/attr/attributes.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

namespace {

Status make_keyval(Carrier carrier, void* extra_state, int& id, Keyval*& key) {
    key = table<Keyval>().create();
    if (key == nullptr) return fail(Status::no_mem, "no memory for an attribute key");
    key->carrier = carrier;
    key->extra_state = extra_state;
    id = static_cast<int>(key->id);
    return Status::ok;
}

Status free_keyval(Carrier carrier, int& id) {
    Keyval* key = nullptr;
    if (Status s = find_keyval(carrier, id, key); s != Status::ok) return s;
    // Programs free a key of which they have several copies once for each (delete functions do),
    // while it lives with its attributes.
    if (!key->freed) {
        key->freed = true;
        release(key);
    }
    id = MPI_KEYVAL_INVALID;
    return Status::ok;
}

bool is_predefined(int id) {
    return id >= MPI_TAG_UB && id <= MPI_WIN_MODEL;
}

}  // namespace

Status find_keyval(Carrier carrier, int id, Keyval*& key) {
    if (is_predefined(id)) return fail(Status::keyval, "the key %d is predefined", id);
    key = table<Keyval>().find(static_cast<Id>(id));
    if (key == nullptr) {
        return fail(Status::keyval, "%d is no attribute key: never made, or freed already", id);
    }
    if (key->carrier != carrier) {
        return fail(Status::keyval, "the key %d is not for %s", id,
                    carrier == Carrier::comm ? "communicators" : "datatypes");
    }
    return Status::ok;
}

Status comm_create_keyval(MPI_Comm_copy_attr_function* copy, MPI_Comm_delete_attr_function* erase,
                          int& comm_keyval, void* extra_state) {
    Keyval* key = nullptr;
    if (Status s = make_keyval(Carrier::comm, extra_state, comm_keyval, key); s != Status::ok) {
        return s;
    }
    key->comm_copy = copy;
    key->comm_delete = erase;
    return Status::ok;
}

Status type_create_keyval(MPI_Type_copy_attr_function* copy, MPI_Type_delete_attr_function* erase,
                          int& type_keyval, void* extra_state) {
    Keyval* key = nullptr;
    if (Status s = make_keyval(Carrier::type, extra_state, type_keyval, key); s != Status::ok) {
        return s;
    }
    key->type_copy = copy;
    key->type_delete = erase;
    return Status::ok;
}

Status comm_free_keyval(int& comm_keyval) {
    return free_keyval(Carrier::comm, comm_keyval);
}

Status type_free_keyval(int& type_keyval) {
    return free_keyval(Carrier::type, type_keyval);
}

}  // namespace mpi
