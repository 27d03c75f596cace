// MPI_Type_create_resized and MPI_Type_dup (MPI-5.0 §5.1.7, §5.1.10): an old type with other
// bounds, or as it is.

#include "bodies.hpp"
#include "mpi/attr/attributes.hpp"
#include "mpi/datatype/builder.hpp"

namespace mpi {

Status type_create_resized(Datatype& oldtype, Aint lb, Aint extent, Datatype*& newtype) {
    return guarded([&] {
        if (!fits(Wide{lb} + extent)) return too_large();
        Description description = oldtype;
        description.lb = lb;
        description.extent = extent;
        description.explicit_bounds = true;
        description.dense = is_dense(description);
        auto contents = make_contents(MPI_COMBINER_RESIZED, {});
        contents->addresses = {lb, extent};
        contents->types.push_back(&oldtype);
        return make_type(std::move(description), std::move(contents), newtype);
    });
}

Status type_dup(Datatype& oldtype, Datatype*& newtype) {
    return guarded([&] {
        auto contents = make_contents(MPI_COMBINER_DUP, {});
        contents->types.push_back(&oldtype);
        if (Status s = make_type(oldtype, std::move(contents), newtype); s != Status::ok) return s;
        newtype->committed = oldtype.committed;
        const Status copied = copy_attributes(oldtype, *newtype);
        if (copied != Status::ok) release(std::exchange(newtype, nullptr));
        return copied;
    });
}

}  // namespace mpi
