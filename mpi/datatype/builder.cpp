#include "mpi/datatype/builder.hpp"

namespace mpi {

Status too_large() {
    return fail(Status::value_too_large,
                "the datatype's size, extent or displacements do not fit 64 bits");
}

std::unique_ptr<Contents> make_contents(int combiner, std::initializer_list<Count> integers) {
    auto contents = std::make_unique<Contents>();
    contents->combiner = combiner;
    for (const Count value : integers) contents->integers.push(value);
    return contents;
}

Status make_type(Description description, std::unique_ptr<Contents> contents, Datatype*& newtype) {
    std::shared_ptr<Contents> shared = std::move(contents);
    Datatype* type = table<Datatype>().create();
    if (type == nullptr) return fail(Status::no_mem, "no memory for a datatype");
    static_cast<Description&>(*type) = std::move(description);
    for (Datatype* part : shared->types) retain(part);
    type->contents = std::move(shared);
    newtype = type;
    return Status::ok;
}

Status make_type(Builder& builder, std::unique_ptr<Contents> contents, Datatype*& newtype) {
    Description description;
    if (!builder.finish(description)) return too_large();
    return make_type(std::move(description), std::move(contents), newtype);
}

}  // namespace mpi
