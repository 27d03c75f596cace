// MPI_Pack_external and its kin (MPI-5.0 §5.3): the representation external32 (§14.5.2). Numbers
// are big-endian, without gaps; long is 4 bytes and wchar_t 2, of which the low ones are kept; long
// double is a binary128.
//
// Data goes through a small buffer, between user memory and which the datatype's own packing moves
// it, so that only the signature matters here.

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "bodies.hpp"
#include "mpi/datatype/builder.hpp"
#include "mpi/datatype/packed.hpp"
#include "mpi/datatype/signature.hpp"

namespace mpi {
namespace {

__extension__ using Int128 = __int128;
__extension__ using Float128 = __float128;

static_assert(std::endian::native == std::endian::little);

template <class T>
T reversed(const std::byte* from) {
    std::array<std::byte, sizeof(T)> bytes;
    std::reverse_copy(from, from + sizeof(T), bytes.data());
    return std::bit_cast<T>(bytes);
}
template <class T>
void store_reversed(T value, std::byte* to) {
    const auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
    std::reverse_copy(bytes.begin(), bytes.end(), to);
}

/// `n` numbers in both representations; converts in either direction.
template <class Here, class There>
void convert(bool pack, std::byte* here, std::byte* there, std::size_t n) {
    for (; n != 0; --n, here += sizeof(Here), there += sizeof(There)) {
        if (pack) {
            Here value;
            std::memcpy(&value, here, sizeof value);
            store_reversed(static_cast<There>(value), there);
        } else {
            const Here value = static_cast<Here>(reversed<There>(there));
            std::memcpy(here, &value, sizeof value);
        }
    }
}

using Convert = void (*)(bool pack, std::byte* here, std::byte* there, std::size_t n);

/// What a basic element is made of: a number, or two.
class Parts {
  public:
    struct Part {
        Convert convert;
        std::size_t here;   ///< bytes
        std::size_t there;  ///< bytes
    };

    explicit Parts(const Datatype& basic) { add(basic); }

    /// Converts `n` elements.
    void operator()(bool pack, std::byte* here, std::byte* there, std::size_t n) const {
        if (alike_) return parts_[0].convert(pack, here, there, n * n_);
        for (; n != 0; --n) {
            for (const Part& part : parts_) {
                part.convert(pack, here, there, 1);
                here += part.here;
                there += part.there;
            }
        }
    }

  private:
    void add(const Datatype& basic) {
        const auto external = static_cast<std::size_t>(basic.external_size);
        if (basic.category == Category::complex) {
            for (int i = 0; i < 2; ++i) {
                add(size_of(basic.machine) / 2, external / 2, basic.machine == Machine::c80, false);
            }
        } else if (basic.category != Category::pair) {
            add(basic.machine, external, basic.category != Category::other);
        } else if (basic.contents != nullptr) {
            for (const Datatype* member : basic.contents->types) add(*member);
        } else {
            const PairMembers members = members_of(basic.machine);
            const auto index = static_cast<std::size_t>(size_of(members.index));
            add(members.value, external - index, true);
            add(members.index, index, true);
        }
        alike_ = n_ == 1 || parts_[0].convert == parts_[1].convert;
    }
    void add(Machine machine, std::size_t external, bool number) {
        add(size_of(machine), external, machine == Machine::f80,
            number && machine <= Machine::i128);
    }
    void add(int size, std::size_t there, bool extended, bool with_sign) {
        const auto here = static_cast<std::size_t>(size);
        parts_.at(n_++) = {converter(here, there, extended, with_sign), here, there};
    }

    static Convert converter(std::size_t here, std::size_t there, bool extended, bool with_sign) {
        if (extended) return convert<long double, Float128>;
        switch (here) {
            case 1: return convert<std::uint8_t, std::uint8_t>;
            case 2: return convert<std::uint16_t, std::uint16_t>;
            case 4:
                return there == 4 ? convert<std::uint32_t, std::uint32_t>
                                  : convert<std::uint32_t, std::uint16_t>;
            case 8:
                if (there == 8) return convert<std::uint64_t, std::uint64_t>;
                return with_sign ? convert<std::int64_t, std::int32_t>
                                 : convert<std::uint64_t, std::uint32_t>;
            default: return convert<Int128, Int128>;
        }
    }

    std::array<Part, 2> parts_{};
    std::size_t n_ = 0;
    bool alike_ = true;
};

/// Converts `count` elements at `memory` to `packed`, or back.
class Conversion {
  public:
    Conversion(bool pack, const void* memory, Count count, const Datatype& type, void* packed)
        : pack_(pack),
          memory_(make_buffer(memory, count, type)),
          packed_(static_cast<std::byte*>(packed)) {}

    void run(Signature signature) {
        for (Signature::Run run = signature.next(); run.count != 0; run = signature.next()) {
            const Parts parts(*run.basic);
            const auto here = static_cast<std::size_t>(run.basic->size);
            const auto there = static_cast<std::size_t>(run.basic->external_size);
            while (run.count != 0) {
                if (filled_ - at_ < here) turn_over();
                const auto n =
                    std::min((filled_ - at_) / here, static_cast<std::size_t>(run.count));
                parts(pack_, buffer_.data() + at_, packed_, n);
                at_ += n * here;
                packed_ += n * there;
                run.count -= static_cast<Count>(n);
            }
        }
        if (!pack_) memory_.write(done_, buffer_.data(), at_);
    }

  private:
    /// Makes room for the next elements; what is left of the buffer is less than one.
    void turn_over() {
        if (!pack_) memory_.write(done_, buffer_.data(), at_);
        done_ += at_;
        at_ = 0;
        filled_ = static_cast<std::size_t>(
            std::min<std::uint64_t>(buffer_.size(), memory_.bytes - done_));
        if (pack_) memory_.read(done_, buffer_.data(), filled_);
    }

    bool pack_;
    adi::Buffer memory_;
    std::byte* packed_;
    std::array<std::byte, 4096> buffer_;  ///< packed, in the representation of here
    std::size_t at_ = 0;                  ///< converted bytes of the buffer
    std::size_t filled_ = 0;              ///< bytes of the buffer in use
    std::uint64_t done_ = 0;              ///< packed bytes of the data before the buffer
};

Status check_representation(const char* datarep) {
    if (std::strcmp(datarep, "external32") == 0) return Status::ok;
    return fail(Status::unsupported_datarep, "datarep is \"%.128s\", must be \"external32\"",
                datarep);
}

}  // namespace

Status pack_external(const char* datarep, const void* inbuf, Count incount, Datatype& datatype,
                     void* outbuf, Count outsize, Aint& position) {
    if (Status s = check_representation(datarep); s != Status::ok) return s;
    Count bytes;
    if (Status s = claim(incount, datatype.external_size, position, outsize, bytes);
        s != Status::ok) {
        return s;
    }
    return guarded([&] {
        Conversion(true, inbuf, incount, datatype, static_cast<std::byte*>(outbuf) + position)
            .run({datatype, incount});
        position += bytes;
        return Status::ok;
    });
}

Status unpack_external(const char* datarep, const void* inbuf, Count insize, Aint& position,
                       void* outbuf, Count outcount, Datatype& datatype) {
    if (Status s = check_representation(datarep); s != Status::ok) return s;
    Count bytes;
    if (Status s = claim(outcount, datatype.external_size, position, insize, bytes);
        s != Status::ok) {
        return s;
    }
    return guarded([&] {
        auto* packed = static_cast<std::byte*>(const_cast<void*>(inbuf));  // only read
        Conversion(false, outbuf, outcount, datatype, packed + position).run({datatype, outcount});
        position += bytes;
        return Status::ok;
    });
}

Status pack_external_size(const char* datarep, Count incount, Datatype& datatype, Aint& size) {
    if (Status s = check_representation(datarep); s != Status::ok) return s;
    return packed_bytes(incount, datatype.external_size, size);
}

}  // namespace mpi
