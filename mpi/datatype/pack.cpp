// MPI_Pack, MPI_Unpack, MPI_Pack_size (MPI-5.0 §5.2). Packed data is the plain bytes in type map
// order, without header: the same that travels in messages, so that MPI_PACKED matches any type.

#include "bodies.hpp"
#include "mpi/core/error.hpp"
#include "mpi/datatype/packed.hpp"

namespace mpi {
Status claim(Count count, Count element_bytes, Count position, Count size, Count& bytes) {
    if (Status s = packed_bytes(count, element_bytes, bytes); s != Status::ok) return s;
    if (position < 0 || position > size) {
        return fail(Status::arg, "position is %lld, must be within the packed buffer of %lld bytes",
                    static_cast<long long>(position), static_cast<long long>(size));
    }
    if (bytes > size - position) {
        return fail(Status::arg, "%lld bytes at position %lld exceed the packed buffer of %lld",
                    static_cast<long long>(bytes), static_cast<long long>(position),
                    static_cast<long long>(size));
    }
    return Status::ok;
}

Status packed_bytes(Count count, Count element_bytes, Count& bytes) {
    if (!__builtin_mul_overflow(count, element_bytes, &bytes)) return Status::ok;
    return fail(Status::count, "%lld elements of %lld bytes do not fit 64 bits",
                static_cast<long long>(count), static_cast<long long>(element_bytes));
}

Status pack(const void* inbuf, Count incount, Datatype& datatype, void* outbuf, Count outsize,
            Count& position, Comm&) {
    Count bytes;
    if (Status s = claim(incount, datatype.size, position, outsize, bytes); s != Status::ok) {
        return s;
    }
    make_buffer(inbuf, incount, datatype)
        .read(0, static_cast<std::byte*>(outbuf) + position, static_cast<std::uint64_t>(bytes));
    position += bytes;
    return Status::ok;
}

Status unpack(const void* inbuf, Count insize, Count& position, void* outbuf, Count outcount,
              Datatype& datatype, Comm&) {
    Count bytes;
    if (Status s = claim(outcount, datatype.size, position, insize, bytes); s != Status::ok) {
        return s;
    }
    make_buffer(outbuf, outcount, datatype)
        .write(0, static_cast<const std::byte*>(inbuf) + position,
               static_cast<std::uint64_t>(bytes));
    position += bytes;
    return Status::ok;
}

Status pack_size(Count incount, Datatype& datatype, Comm&, Count& size) {
    return packed_bytes(incount, datatype.size, size);
}

}  // namespace mpi
