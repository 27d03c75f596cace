// The constructors of derived datatypes that repeat or gather blocks (MPI-5.0 §5.1.2).

#include "bodies.hpp"
#include "mpi/datatype/builder.hpp"

namespace mpi {
namespace {

/// Vectors; `stride` is what the user gave, `unit` its bytes.
Status make_vector(int combiner, Count count, Count blocklength, Count stride, Count unit,
                   Datatype& oldtype, Datatype*& newtype) {
    return guarded([&] {
        Builder builder;
        if (!builder.add(0, count, Wide{stride} * unit, blocklength, oldtype)) return too_large();
        auto contents = make_contents(combiner, {count, blocklength});
        if (combiner == MPI_COMBINER_HVECTOR) {
            contents->addresses.push_back(stride);
        } else {
            contents->integers.push(stride);
        }
        contents->types.push_back(&oldtype);
        return make_type(builder, std::move(contents), newtype);
    });
}

/// Indexed types of blocks that are length_of(i) long; displacements are what the user gave, `unit`
/// their bytes. A block of elements with gaps that begins where the one before ends is joined to
/// it; runs are joined by make_list(). `contents` has all but displacements and old type.
template <class LengthOf>
Status make_indexed(std::unique_ptr<Contents> contents, Count count, LengthOf length_of,
                    IntArray displacements, Count unit, Datatype& oldtype, Datatype*& newtype) {
    const bool in_bytes = contents->combiner == MPI_COMBINER_HINDEXED ||
                          contents->combiner == MPI_COMBINER_HINDEXED_BLOCK;
    for (Count i = 0; i < count; ++i) {
        if (in_bytes) {
            contents->addresses.push_back(displacements[i]);
        } else {
            contents->integers.push(displacements[i]);
        }
    }
    contents->types.push_back(&oldtype);
    Builder builder;
    builder.reserve(count);
    Wide at = 0;
    Count length = 0;
    for (Count i = 0; i < count; ++i) {
        if (length_of(i) == 0) continue;
        const Wide next = Wide{displacements[i]} * unit;
        Count joined;
        if (!oldtype.dense && length != 0 && next - at == Wide{length} * oldtype.extent &&
            !__builtin_add_overflow(length, length_of(i), &joined)) {
            length = joined;
            continue;
        }
        if (!builder.add(at, 1, 0, length, oldtype)) return too_large();
        at = next;
        length = length_of(i);
    }
    if (!builder.add(at, 1, 0, length, oldtype)) return too_large();
    return make_type(builder, std::move(contents), newtype);
}

Status make_indexed_list(int combiner, Count count, IntArray lengths, IntArray displacements,
                         Count unit, Datatype& oldtype, Datatype*& newtype) {
    return guarded([&] {
        auto contents = make_contents(combiner, {count});
        contents->integers.reserve(static_cast<std::size_t>(2 * count + 1));
        for (Count i = 0; i < count; ++i) contents->integers.push(lengths[i]);
        return make_indexed(
            std::move(contents), count, [&](Count i) { return lengths[i]; }, displacements, unit,
            oldtype, newtype);
    });
}

Status make_indexed_blocks(int combiner, Count count, Count blocklength, IntArray displacements,
                           Count unit, Datatype& oldtype, Datatype*& newtype) {
    return guarded([&] {
        return make_indexed(
            make_contents(combiner, {count, blocklength}), count,
            [&](Count) { return blocklength; }, displacements, unit, oldtype, newtype);
    });
}

}  // namespace

Status type_contiguous(Count count, Datatype& oldtype, Datatype*& newtype) {
    return guarded([&] {
        Builder builder;
        if (!builder.add(0, 1, 0, count, oldtype)) return too_large();
        auto contents = make_contents(MPI_COMBINER_CONTIGUOUS, {count});
        contents->types.push_back(&oldtype);
        return make_type(builder, std::move(contents), newtype);
    });
}

Status type_vector(Count count, Count blocklength, Count stride, Datatype& oldtype,
                   Datatype*& newtype) {
    return make_vector(MPI_COMBINER_VECTOR, count, blocklength, stride, oldtype.extent, oldtype,
                       newtype);
}

Status type_create_hvector(Count count, Count blocklength, Aint stride, Datatype& oldtype,
                           Datatype*& newtype) {
    return make_vector(MPI_COMBINER_HVECTOR, count, blocklength, stride, 1, oldtype, newtype);
}

Status type_indexed(Count count, IntArray array_of_blocklengths, IntArray array_of_displacements,
                    Datatype& oldtype, Datatype*& newtype) {
    return make_indexed_list(MPI_COMBINER_INDEXED, count, array_of_blocklengths,
                             array_of_displacements, oldtype.extent, oldtype, newtype);
}

Status type_create_hindexed(Count count, IntArray array_of_blocklengths,
                            IntArray array_of_displacements, Datatype& oldtype,
                            Datatype*& newtype) {
    return make_indexed_list(MPI_COMBINER_HINDEXED, count, array_of_blocklengths,
                             array_of_displacements, 1, oldtype, newtype);
}

Status type_create_indexed_block(Count count, Count blocklength, IntArray array_of_displacements,
                                 Datatype& oldtype, Datatype*& newtype) {
    return make_indexed_blocks(MPI_COMBINER_INDEXED_BLOCK, count, blocklength,
                               array_of_displacements, oldtype.extent, oldtype, newtype);
}

Status type_create_hindexed_block(Count count, Count blocklength, IntArray array_of_displacements,
                                  Datatype& oldtype, Datatype*& newtype) {
    return make_indexed_blocks(MPI_COMBINER_HINDEXED_BLOCK, count, blocklength,
                               array_of_displacements, 1, oldtype, newtype);
}

Status type_create_struct(Count count, IntArray array_of_blocklengths,
                          IntArray array_of_displacements, DatatypeArray array_of_types,
                          Datatype*& newtype) {
    return guarded([&] {
        Builder builder;
        builder.reserve(count);
        auto contents = make_contents(MPI_COMBINER_STRUCT, {count});
        contents->integers.reserve(static_cast<std::size_t>(count + 1));
        contents->addresses.reserve(static_cast<std::size_t>(count));
        contents->types.reserve(static_cast<std::size_t>(count));
        for (Count i = 0; i < count; ++i) {
            const Count length = array_of_blocklengths[i];
            const Count at = array_of_displacements[i];
            Datatype& type = array_of_types[i];
            if (!builder.add(at, 1, 0, length, type)) return too_large();
            contents->integers.push(length);
            contents->addresses.push_back(at);
            contents->types.push_back(&type);
        }
        return make_type(builder, std::move(contents), newtype);
    });
}

}  // namespace mpi
