// MPI_Type_get_envelope and MPI_Type_get_contents (MPI-5.0 §5.1.13): the constructor call that made
// a datatype, given back.
//
// A call with int counts gives integers and addresses; one with large counts gives integers, which
// are its arguments of type int, and large counts, which are all its other numbers.

#include <algorithm>

#include "bodies.hpp"
#include "mpi/core/error.hpp"
#include "mpi/datatype/contents.hpp"

namespace mpi {
namespace {

struct Envelope {
    Count integers = 0;
    Count addresses = 0;
    Count large_counts = 0;
    Count datatypes = 0;
    int combiner = MPI_COMBINER_NAMED;
};

/// Is integer `i` a large count in the variant for large counts?
bool may_be_large(const Contents& contents, Count i) {
    const Integers& integers = contents.integers;
    switch (contents.combiner) {
        case MPI_COMBINER_SUBARRAY:  // ndims, sizes, subsizes, starts, order
            return i > 0 && i <= 3 * integers[0];
        case MPI_COMBINER_DARRAY:  // size, rank, ndims, gsizes, …
            return i > 2 && i <= 2 + integers[2];
        default: return true;
    }
}

template <class F>
void for_each_integer(const Contents& contents, F f) {
    const auto n = static_cast<Count>(contents.integers.size());
    for (Count i = 0; i < n; ++i) {
        const Count value = contents.integers[static_cast<std::size_t>(i)];
        f(value, contents.large && may_be_large(contents, i));
    }
}

Envelope envelope_of(const Datatype& type) {
    Envelope envelope;
    if (type.contents == nullptr) return envelope;
    const Contents& contents = *type.contents;
    envelope.combiner = contents.combiner;
    for_each_integer(contents, [&](Count, bool large) {
        ++(large ? envelope.large_counts : envelope.integers);
    });
    const auto addresses = static_cast<Count>(contents.addresses.size());
    (contents.large ? envelope.large_counts : envelope.addresses) += addresses;
    envelope.datatypes = static_cast<Count>(contents.types.size());
    return envelope;
}

Status needs_large(const char* call) {
    return fail(Status::type, "the datatype was made with large counts: call %s_c", call);
}

/// One of the arrays that MPI_Type_get_contents fills: is it there, and long enough?
Status check_room(const char* name, const void* array, Count room, Count needed) {
    if (room < needed) {
        return fail(Status::arg, "max_%s is %lld, must be at least %lld", name,
                    static_cast<long long>(room), static_cast<long long>(needed));
    }
    if (array != nullptr || needed == 0) return Status::ok;
    return fail(Status::arg, "array_of_%s is a null pointer", name);
}

/// The handle of a type that was an argument. The user frees it; a derived one is a new object,
/// since the handle of the old one may have been freed.
MPI_Datatype another_handle(Datatype* type) {
    if (type->predefined) return handle_of<MPI_Datatype>(*type);
    Datatype* copy = table<Datatype>().create();
    if (copy == nullptr) return MPI_DATATYPE_NULL;
    static_cast<Description&>(*copy) = *type;
    copy->contents = type->contents;
    copy->committed = type->committed;
    return handle_of<MPI_Datatype>(*copy);
}

Status copy_types(const Contents& contents, MPI_Datatype* types) {
    for (std::size_t i = 0; i < contents.types.size(); ++i) {
        types[i] = another_handle(contents.types[i]);
        if (types[i] != MPI_DATATYPE_NULL) continue;
        for (std::size_t k = 0; k < i; ++k) release(find<Datatype>(types[k]));
        return fail(Status::no_mem, "no memory for a datatype");
    }
    return Status::ok;
}

}  // namespace

MPI_Datatype encode_new(Datatype* type, bool large) {
    if (type == nullptr) return MPI_DATATYPE_NULL;
    type->contents->large = large;
    return handle_of<MPI_Datatype>(*type);
}

Status type_get_envelope(Datatype& datatype, Count& num_integers, Count& num_addresses,
                         Count& num_datatypes, int& combiner) {
    const Envelope envelope = envelope_of(datatype);
    if (envelope.large_counts != 0) return needs_large("MPI_Type_get_envelope");
    num_integers = envelope.integers;
    num_addresses = envelope.addresses;
    num_datatypes = envelope.datatypes;
    combiner = envelope.combiner;
    return Status::ok;
}

Status type_get_envelope_c(Datatype& datatype, Count& num_integers, Count& num_addresses,
                           Count& num_large_counts, Count& num_datatypes, int& combiner) {
    const Envelope envelope = envelope_of(datatype);
    num_integers = envelope.integers;
    num_addresses = envelope.addresses;
    num_large_counts = envelope.large_counts;
    num_datatypes = envelope.datatypes;
    combiner = envelope.combiner;
    return Status::ok;
}

Status type_get_contents(Datatype& datatype, Count max_integers, Count max_addresses,
                         Count max_datatypes, int* array_of_integers, Aint* array_of_addresses,
                         MPI_Datatype* array_of_datatypes) {
    if (envelope_of(datatype).large_counts != 0) return needs_large("MPI_Type_get_contents");
    return type_get_contents_c(datatype, max_integers, max_addresses, 0, max_datatypes,
                               array_of_integers, array_of_addresses, nullptr, array_of_datatypes);
}

Status type_get_contents_c(Datatype& datatype, Count max_integers, Count max_addresses,
                           Count max_large_counts, Count max_datatypes, int* array_of_integers,
                           Aint* array_of_addresses, Count* array_of_large_counts,
                           MPI_Datatype* array_of_datatypes) {
    if (datatype.contents == nullptr) {
        return fail(Status::type, "the datatype is a predefined one, which has no contents");
    }
    const Envelope needed = envelope_of(datatype);
    const auto enough = [&] {
        if (Status s = check_room("integers", array_of_integers, max_integers, needed.integers);
            s != Status::ok) {
            return s;
        }
        if (Status s = check_room("addresses", array_of_addresses, max_addresses, needed.addresses);
            s != Status::ok) {
            return s;
        }
        if (Status s = check_room("large_counts", array_of_large_counts, max_large_counts,
                                  needed.large_counts);
            s != Status::ok) {
            return s;
        }
        return check_room("datatypes", array_of_datatypes, max_datatypes, needed.datatypes);
    };
    if (Status s = enough(); s != Status::ok) return s;
    const Contents& contents = *datatype.contents;
    if (Status s = copy_types(contents, array_of_datatypes); s != Status::ok) return s;
    for_each_integer(contents, [&](Count value, bool large) {
        if (large) {
            *array_of_large_counts++ = value;
        } else {
            *array_of_integers++ = static_cast<int>(value);
        }
    });
    std::copy(contents.addresses.begin(), contents.addresses.end(),
              contents.large ? array_of_large_counts : array_of_addresses);
    return Status::ok;
}

}  // namespace mpi
