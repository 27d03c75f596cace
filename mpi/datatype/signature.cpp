#include "mpi/datatype/signature.hpp"

#include "mpi/datatype/contents.hpp"

namespace mpi {

void Signature::enter(const Datatype& first, Count count) {
    const Datatype* type = &first;
    while (count != 0 && type->size != 0) {
        if (type->basic != nullptr) {
            run_ = {type->basic, count * (type->size / type->basic->size)};
            return;
        }
        if (type->contents->combiner == MPI_COMBINER_STRUCT) {
            open_.push_back({type, count, 0});
            return;
        }
        // Every constructor but the struct's repeats one type.
        const Datatype* part = type->contents->types[0];
        count *= type->size / part->size;
        type = part;
    }
}

Signature::Run Signature::next() {
    while (run_.count == 0 && !open_.empty()) {
        Frame& frame = open_.back();
        const Contents& contents = *frame.type->contents;
        if (frame.part == contents.types.size()) {
            frame.part = 0;
            if (--frame.count == 0) open_.pop_back();
            continue;
        }
        const std::size_t part = frame.part++;
        // After the last part of the last element nothing is left to come back to.
        if (frame.part == contents.types.size() && frame.count == 1) open_.pop_back();
        enter(*contents.types[part], contents.integers[part + 1]);
    }
    const Run run = run_;
    run_ = {};
    return run;
}

}  // namespace mpi
