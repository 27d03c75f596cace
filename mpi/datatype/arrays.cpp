// MPI_Type_create_subarray and MPI_Type_create_darray (MPI-5.0 §5.1.3, §5.1.4): one process's part
// of an array of any number of dimensions. Both are built from the fastest dimension outwards; each
// dimension is made of the one before, whose extent is the whole of the array's dimensions so far.

#include <vector>

#include "bodies.hpp"
#include "mpi/datatype/builder.hpp"

namespace mpi {
namespace {

/// The places of one dimension that belong to the part: `blocks` blocks of `length` each, and a
/// shorter one of `rest` at the end; the first at `start`, one every `stride`.
struct Places {
    Count gsize = 0;  ///< of the whole array
    Count start = 0;
    Count blocks = 0;
    Count length = 0;
    Count rest = 0;
    Count stride = 0;
};

/// The next dimension: `part` at `places`. Afterwards `part` is as long as the whole dimension.
bool add_dimension(const Places& places, Description& part) {
    const Wide unit = part.extent;
    const Wide extent = unit * places.gsize;
    const Wide start = unit * places.start;
    const Wide stride = unit * places.stride;
    if (!fits(extent) || !fits(stride)) return false;
    Builder builder;
    if (!builder.add(start, places.blocks, stride, places.length, part)) return false;
    if (places.rest != 0) {
        // Within the array, so it fits whenever the extent does.
        const Wide at = start + stride * places.blocks;
        if (!builder.add(at, 1, 0, places.rest, part)) return false;
    }
    Description whole;
    if (!builder.finish(whole)) return false;
    whole.lb = 0;
    whole.extent = static_cast<Aint>(extent);
    whole.explicit_bounds = true;
    whole.dense = is_dense(whole);
    part = std::move(whole);
    return true;
}

/// All dimensions, in the order in which the user gave them.
Status make_array(std::vector<Places> dimensions, int order, std::unique_ptr<Contents> contents,
                  Datatype& oldtype, Datatype*& newtype) {
    if (order == MPI_ORDER_C) std::reverse(dimensions.begin(), dimensions.end());
    Description part = oldtype;
    for (const Places& places : dimensions) {
        if (!add_dimension(places, part)) return too_large();
    }
    contents->types.push_back(&oldtype);
    return make_type(std::move(part), std::move(contents), newtype);
}

Status check_shape(int ndims, int order) {
    if (ndims < 1) return fail(Status::arg, "ndims is %d, must be at least 1", ndims);
    if (order == MPI_ORDER_C || order == MPI_ORDER_FORTRAN) return Status::ok;
    return fail(Status::arg, "order is %d, must be MPI_ORDER_C or MPI_ORDER_FORTRAN", order);
}

Status bad_element(const char* name, int i, Count value, const char* rule) {
    return fail(Status::arg, "%s[%d] is %lld, must be %s", name, i, static_cast<long long>(value),
                rule);
}

/// One dimension of a distributed array, as the user describes it.
struct Distribution {
    Count gsize;
    int kind;
    int darg;
    int psize;
};

/// Checks dimension `i`; fills in the length of a block when the user leaves it to MPI.
Status check_distribution(int i, Distribution& d, Count& block) {
    if (d.gsize < 1) return bad_element("array_of_gsizes", i, d.gsize, "at least 1");
    if (d.psize < 1) return bad_element("array_of_psizes", i, d.psize, "at least 1");
    const bool by_default = d.darg == MPI_DISTRIBUTE_DFLT_DARG;
    block = d.darg;
    switch (d.kind) {
        case MPI_DISTRIBUTE_NONE:
            block = d.gsize;
            if (d.psize == 1) return Status::ok;
            return bad_element("array_of_psizes", i, d.psize,
                               "1 in a dimension that is not distributed (MPI_DISTRIBUTE_NONE)");
        case MPI_DISTRIBUTE_BLOCK:
            if (by_default) block = (d.gsize - 1) / d.psize + 1;
            if (block < 1) return bad_element("array_of_dargs", i, block, "at least 1");
            if (Wide{block} * d.psize >= d.gsize) return Status::ok;
            return bad_element("array_of_dargs", i, block,
                               "so large that the blocks of all processes cover the dimension");
        case MPI_DISTRIBUTE_CYCLIC:
            if (by_default) block = 1;
            if (block >= 1) return Status::ok;
            return bad_element("array_of_dargs", i, block, "at least 1");
        default:
            return bad_element("array_of_distribs", i, d.kind,
                               "MPI_DISTRIBUTE_NONE, MPI_DISTRIBUTE_BLOCK or "
                               "MPI_DISTRIBUTE_CYCLIC");
    }
}

/// What the process at `coordinate` has of a dimension that is dealt out in blocks of `block`, one
/// to each process in turn.
Places places_of(const Distribution& d, Count block, Count coordinate) {
    Places places;
    places.gsize = d.gsize;
    // Blocks longer than the dimension are as long as the dimension: no product overflows below.
    places.length = std::min(block, d.gsize);
    if (Wide{places.length} * coordinate >= d.gsize) return places;
    places.start = places.length * coordinate;
    const Count left = d.gsize - places.start;
    const Wide round = Wide{places.length} * d.psize;
    places.stride = static_cast<Count>(std::min<Wide>(round, d.gsize));
    places.blocks = left >= places.length ? (left - places.length) / places.stride + 1 : 0;
    const Wide last = Wide{places.blocks} * round;  // where the next block would begin
    if (last < left) places.rest = static_cast<Count>(left - last);
    return places;
}

}  // namespace

Status type_create_subarray(int ndims, IntArray array_of_sizes, IntArray array_of_subsizes,
                            IntArray array_of_starts, int order, Datatype& oldtype,
                            Datatype*& newtype) {
    return guarded([&] {
        if (Status s = check_shape(ndims, order); s != Status::ok) return s;
        std::vector<Places> dimensions;
        for (int i = 0; i < ndims; ++i) {
            const Count size = array_of_sizes[i];
            const Count subsize = array_of_subsizes[i];
            const Count start = array_of_starts[i];
            if (size < 1) return bad_element("array_of_sizes", i, size, "at least 1");
            if (subsize < 1 || subsize > size) {
                return bad_element("array_of_subsizes", i, subsize, "1 to the array's size");
            }
            if (start < 0 || start > size - subsize) {
                return bad_element("array_of_starts", i, start,
                                   "0 to the array's size less the subarray's");
            }
            dimensions.push_back({size, start, 1, subsize, 0, 0});
        }
        auto contents = make_contents(MPI_COMBINER_SUBARRAY, {ndims});
        for (const IntArray& array : {array_of_sizes, array_of_subsizes, array_of_starts}) {
            for (int i = 0; i < ndims; ++i) contents->integers.push(array[i]);
        }
        contents->integers.push(order);
        return make_array(std::move(dimensions), order, std::move(contents), oldtype, newtype);
    });
}

Status type_create_darray(int size, int rank, int ndims, IntArray array_of_gsizes,
                          const int* array_of_distribs, const int* array_of_dargs,
                          const int* array_of_psizes, int order, Datatype& oldtype,
                          Datatype*& newtype) {
    return guarded([&] {
        if (size < 1) return fail(Status::arg, "size is %d, must be at least 1", size);
        if (rank < 0 || rank >= size) {
            return fail(Status::arg, "rank is %d, must be 0 to %d", rank, size - 1);
        }
        if (Status s = check_shape(ndims, order); s != Status::ok) return s;
        std::vector<Places> dimensions(static_cast<std::size_t>(ndims));
        // The grid of processes is in the order of C, whatever the order of the array.
        Count left = rank;
        Wide processes = 1;
        for (int i = ndims - 1; i >= 0; --i) {
            Distribution d{array_of_gsizes[i], array_of_distribs[i], array_of_dargs[i],
                           array_of_psizes[i]};
            Count block = 0;
            if (Status s = check_distribution(i, d, block); s != Status::ok) return s;
            dimensions[static_cast<std::size_t>(i)] = places_of(d, block, left % d.psize);
            left /= d.psize;
            processes = std::min<Wide>(processes * d.psize, Wide{size} + 1);
        }
        if (processes != size) {
            return fail(Status::arg, "size is %d, must be the product of array_of_psizes", size);
        }
        auto contents = make_contents(MPI_COMBINER_DARRAY, {size, rank, ndims});
        for (int i = 0; i < ndims; ++i) contents->integers.push(array_of_gsizes[i]);
        for (const int* array : {array_of_distribs, array_of_dargs, array_of_psizes}) {
            for (int i = 0; i < ndims; ++i) contents->integers.push(array[i]);
        }
        contents->integers.push(order);
        return make_array(std::move(dimensions), order, std::move(contents), oldtype, newtype);
    });
}

}  // namespace mpi
