// How many elements a received message holds (MPI-5.0 §3.2.5, §5.1.11). The status knows its bytes;
// basic elements are counted from the constructor calls, without expanding the type map.

#include "mpi/datatype/elements.hpp"

#include "bodies.hpp"
#include "mpi/core/status.hpp"
#include "mpi/datatype/contents.hpp"

namespace mpi {
namespace {

/// Finds the part of one element of a struct that packed byte `bytes` lies in: adds the basic
/// elements before it to `elements`, takes the bytes before it off `bytes`.
const Datatype& part_of_struct(const Contents& contents, Count& bytes, Count& elements) {
    std::size_t i = 0;
    for (;; ++i) {
        const Datatype& type = *contents.types[i];
        const Count length = contents.integers[i + 1];
        if (bytes < length * type.size) return type;
        bytes -= length * type.size;
        elements += length * type.elements;
    }
}

/// Basic elements in the first `bytes` packed bytes of consecutive elements of `datatype`, or
/// MPI_UNDEFINED when they end inside a basic element.
Count elements_in(const Datatype& datatype, Count bytes) {
    Count elements = 0;
    const Datatype* type = &datatype;
    // Each turn counts whole elements and steps into the one that is cut. Every constructor but
    // the struct's repeats one type, whose elements follow each other in the packed bytes.
    while (bytes != 0) {
        if (type->size == 0) return MPI_UNDEFINED;
        if (type->element_size != 0) {
            if (bytes % type->element_size != 0) return MPI_UNDEFINED;
            return elements + bytes / type->element_size;
        }
        elements += bytes / type->size * type->elements;
        bytes %= type->size;
        if (bytes == 0) break;
        if (type->predefined) {  // a pair of unlike members
            return bytes == size_of(members_of(type->machine).value) ? elements + 1 : MPI_UNDEFINED;
        }
        const Contents& contents = *type->contents;
        type = contents.combiner == MPI_COMBINER_STRUCT ? &part_of_struct(contents, bytes, elements)
                                                        : contents.types[0];
    }
    return elements;
}

}  // namespace

Count bytes_of(const Datatype& datatype, Count elements) {
    Count bytes = 0;
    const Datatype* type = &datatype;
    while (elements != 0 && type->elements != 0) {
        if (type->element_size != 0) return bytes + elements * type->element_size;
        bytes += elements / type->elements * type->size;
        elements %= type->elements;
        if (elements == 0) break;
        if (type->predefined) return bytes + size_of(members_of(type->machine).value);
        const Contents& contents = *type->contents;
        std::size_t part = 0;
        if (contents.combiner == MPI_COMBINER_STRUCT) {
            for (;; ++part) {
                const Datatype& member = *contents.types[part];
                const Count length = contents.integers[part + 1];
                if (elements < length * member.elements) break;
                elements -= length * member.elements;
                bytes += length * member.size;
            }
        }
        type = contents.types[part];
    }
    return bytes;
}

Status get_count(const MPI_Status& status, Datatype& datatype, Count& count) {
    const Count bytes = status_bytes(status);
    if (bytes == 0) {
        count = 0;
    } else if (datatype.size == 0 || bytes % datatype.size != 0) {
        count = MPI_UNDEFINED;
    } else {
        count = bytes / datatype.size;
    }
    return Status::ok;
}

Status get_elements(const MPI_Status& status, Datatype& datatype, Count& count) {
    count = elements_in(datatype, status_bytes(status));
    return Status::ok;
}

}  // namespace mpi
