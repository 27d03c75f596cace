#include "mpi/core/attribute.hpp"

#include <algorithm>
#include <cstdint>
#include <new>

namespace mpi {

namespace {

/// MPI_COMM_DUP_FN and its like: a value, not an address of a function.
template <class Function>
bool is_dup(Function* function) {
    return reinterpret_cast<std::uintptr_t>(function) == 1;
}

template <class Handle>
Handle to_handle(Id id) {
    return reinterpret_cast<Handle>(static_cast<std::uintptr_t>(id));
}

/// What a user's callback returned, an error code of MPI or of its own.
Status outcome(int code, const char* what, Id key) {
    if (code == MPI_SUCCESS) return Status::ok;
    return fail(static_cast<Status>(code), "the %s function of key %u returned %d", what, key,
                code);
}

template <class Handle, class Function>
Status call_copy(Function* function, const Keyval& key, Id owner, void* value, void** copied,
                 bool* flag) {
    if (is_dup(function)) *copied = value;
    *flag = is_dup(function);
    if (function == nullptr || *flag) return Status::ok;
    int wanted = 0;
    const int code = function(to_handle<Handle>(owner), static_cast<int>(key.id), key.extra_state,
                              value, copied, &wanted);
    *flag = wanted != 0;
    return outcome(code, "copy", key.id);
}

template <class Handle, class Function>
Status call_delete(Function* function, const Keyval& key, Id owner, void* value) {
    if (function == nullptr) return Status::ok;
    const int code =
        function(to_handle<Handle>(owner), static_cast<int>(key.id), value, key.extra_state);
    return outcome(code, "delete", key.id);
}

}  // namespace

Status Keyval::copy(Id owner, void* value, void** copied, bool* flag) {
    switch (carrier) {
        case Carrier::comm:
            return call_copy<MPI_Comm>(comm_copy, *this, owner, value, copied, flag);
        case Carrier::type:
            return call_copy<MPI_Datatype>(type_copy, *this, owner, value, copied, flag);
    }
    return Status::intern;
}

Status Keyval::erase(Id owner, void* value) {
    switch (carrier) {
        case Carrier::comm: return call_delete<MPI_Comm>(comm_delete, *this, owner, value);
        case Carrier::type: return call_delete<MPI_Datatype>(type_delete, *this, owner, value);
    }
    return Status::intern;
}

void release(Keyval* key) {
    if (--key->refs == 0) table<Keyval>().destroy(key);
}

AttributeList::~AttributeList() {
    for (const Entry& entry : entries_) release(entry.key);
}

bool AttributeList::get(const Keyval& key, void** value) const {
    const auto it = std::find_if(entries_.begin(), entries_.end(),
                                 [&key](const Entry& entry) { return entry.key == &key; });
    if (it == entries_.end()) return false;
    *value = it->value;
    return true;
}

Status AttributeList::set(Id owner, Keyval& key, void* value) {
    if (void* old = nullptr; get(key, &old)) {
        if (Status s = key.erase(owner, old); s != Status::ok) return s;
        forget(key);
    }
    try {
        entries_.push_back({&key, value});
    } catch (const std::bad_alloc&) {
        return fail(Status::no_mem, "no memory for an attribute");
    }
    ++key.refs;
    return Status::ok;
}

Status AttributeList::erase(Id owner, Keyval& key) {
    void* value = nullptr;
    if (!get(key, &value)) {
        return fail(Status::keyval, "the object has no attribute of key %u", key.id);
    }
    if (Status s = key.erase(owner, value); s != Status::ok) return s;
    forget(key);
    return Status::ok;
}

Status AttributeList::erase_all(Id owner) {
    while (!entries_.empty()) {
        const Entry last = entries_.back();
        if (Status s = last.key->erase(owner, last.value); s != Status::ok) return s;
        forget(*last.key);
    }
    return Status::ok;
}

Status AttributeList::copy_to(Id owner, AttributeList& to, Id new_owner) const {
    for (std::size_t i = 0; i < entries_.size(); ++i) {  // callbacks may change the list
        const Entry entry = entries_[i];
        void* copied = nullptr;
        bool wanted = false;
        Status s = entry.key->copy(owner, entry.value, &copied, &wanted);
        if (s == Status::ok && wanted) s = to.set(new_owner, *entry.key, copied);
        if (s != Status::ok) {
            // The first failure is the one to report.
            while (!to.entries_.empty() && to.erase_all(new_owner) != Status::ok) {
                to.forget(*to.entries_.back().key);
            }
            return s;
        }
    }
    return Status::ok;
}

/// After the callback: which may have deleted the attribute itself.
void AttributeList::forget(const Keyval& key) {
    const auto it = std::find_if(entries_.begin(), entries_.end(),
                                 [&key](const Entry& entry) { return entry.key == &key; });
    if (it == entries_.end()) return;
    Keyval* const held = it->key;
    entries_.erase(it);
    release(held);
}

}  // namespace mpi
