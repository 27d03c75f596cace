// The life of a datatype, and the calls that ask about one.

#include "mpi/datatype/contents.hpp"

namespace mpi {

Datatype::Datatype() = default;
Datatype::~Datatype() = default;

void Datatype::pack(const void* base, std::uint64_t count, std::uint64_t offset, std::byte* to,
                    std::uint64_t n) const {
    pack_shape(shape, extent, base, count, offset, to, n);
}

void Datatype::unpack(void* base, std::uint64_t count, std::uint64_t offset, const std::byte* from,
                      std::uint64_t n) const {
    unpack_shape(shape, extent, base, count, offset, from, n);
}

void destroy_type(Datatype* type) {
    // A list instead of recursion: types may be nested deeper than the stack.
    type->next_doomed = nullptr;
    for (Datatype* doomed = type; doomed != nullptr;) {
        Datatype* next = doomed->next_doomed;
        if (doomed->contents.use_count() == 1) {
            for (Datatype* part : doomed->contents->types) {
                if (part->predefined || --part->refs != 0) continue;
                part->next_doomed = next;
                next = part;
            }
        }
        table<Datatype>().destroy(doomed);
        doomed = next;
    }
}

}  // namespace mpi
