// For tests: datatypes as the standard defines them, by their type map written out in full
// (MPI-5.0 §5.1), with none of the machinery under test.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "bodies.hpp"
#include "mpi/datatype/contents.hpp"

namespace mpi::testing {

inline Datatype& type_of(MPI_Datatype handle) {
    static const bool once = (predefine_datatypes(), true);
    static_cast<void>(once);
    return *find<Datatype>(handle);
}

/// A datatype and the same thing written out.
struct Naive {
    struct Entry {
        Count at;
        Count size;
        Count alignment;
        MPI_Datatype type = MPI_BYTE;  ///< of a pair's member: its own
    };
    std::vector<Entry> map;
    std::vector<Count> lower;  ///< lower bounds set by MPI_Type_create_resized and its like
    std::vector<Count> upper;

    Count size() const {
        Count sum = 0;
        for (const Entry& e : map) sum += e.size;
        return sum;
    }
    Count true_lb() const {
        Count low = map.empty() ? 0 : map[0].at;
        for (const Entry& e : map) low = std::min(low, e.at);
        return low;
    }
    Count true_ub() const {
        Count high = map.empty() ? 0 : map[0].at + map[0].size;
        for (const Entry& e : map) high = std::max(high, e.at + e.size);
        return high;
    }
    Count lb() const {
        return lower.empty() ? true_lb() : *std::min_element(lower.begin(), lower.end());
    }
    Count extent() const {
        if (!upper.empty()) return *std::max_element(upper.begin(), upper.end()) - lb();
        Count alignment = 1;
        for (const Entry& e : map) alignment = std::max(alignment, e.alignment);
        const Count span = true_ub() - lb();
        return (span + alignment - 1) / alignment * alignment;
    }
    void resize(Count lb, Count extent) {
        lower = {lb};
        upper = {lb + extent};
    }
    /// Appends `n` copies of `part`, the first at `at`.
    void append(const Naive& part, Count at, Count n) {
        const Count extent = part.extent();
        for (Count i = 0; i < n; ++i) {
            for (Entry e : part.map) {
                e.at += at + i * extent;
                map.push_back(e);
            }
            for (const Count mark : part.lower) lower.push_back(mark + at + i * extent);
            for (const Count mark : part.upper) upper.push_back(mark + at + i * extent);
        }
    }

    /// The packed bytes of `count` elements at `base`.
    std::vector<std::byte> pack(const std::byte* base, Count count) const {
        std::vector<std::byte> packed;
        Naive all;
        all.append(*this, 0, count);
        for (const Entry& e : all.map) {
            packed.insert(packed.end(), base + e.at, base + e.at + e.size);
        }
        return packed;
    }
    void unpack(std::byte* base, Count count, const std::byte* packed) const {
        Naive all;
        all.append(*this, 0, count);
        for (const Entry& e : all.map) {
            std::memcpy(base + e.at, packed, static_cast<std::size_t>(e.size));
            packed += e.size;
        }
    }
    /// Does any byte lie at two places of the packed data? Such types may only be sent.
    bool overlaps(Count count) const {
        Naive all;
        all.append(*this, 0, count);
        std::sort(all.map.begin(), all.map.end(),
                  [](const Entry& a, const Entry& b) { return a.at < b.at; });
        for (std::size_t i = 1; i < all.map.size(); ++i) {
            if (all.map[i].at < all.map[i - 1].at + all.map[i - 1].size) return true;
        }
        return false;
    }
    /// Basic elements in the first `bytes` packed bytes of `count` elements.
    Count elements(Count bytes, Count count) const {
        Count n = 0;
        for (Count i = 0; i < count; ++i) {
            for (const Entry& e : map) {
                if (bytes == 0) return n;
                if (bytes < e.size) return MPI_UNDEFINED;
                bytes -= e.size;
                ++n;
            }
        }
        return bytes == 0 ? n : MPI_UNDEFINED;
    }
};

inline Naive naive_basic(MPI_Datatype handle) {
    const Datatype& type = type_of(handle);
    const Count alignment = type.alignment;
    if (type.category != Category::pair) return {{{0, type.size, alignment, handle}}, {}, {}};
    const Count second = handle == MPI_2DOUBLE_PRECISION ? 8 : 4;
    const Count second_at = type.true_extent - second;
    // Of the members' types only long is not what its size says.
    const MPI_Datatype first = handle == MPI_LONG_INT ? MPI_LONG : MPI_BYTE;
    return {{{0, type.size - second, alignment, first}, {second_at, second, second}}, {}, {}};
}

/// A type under test beside its reference. Owns the type.
struct Twin {
    Datatype* type = nullptr;
    Naive naive;
    Twin() = default;
    Twin(Datatype* t, Naive n) : type(t), naive(std::move(n)) {}
    Twin(Twin&& other) noexcept
        : type(std::exchange(other.type, nullptr)), naive(std::move(other.naive)) {}
    Twin& operator=(Twin&& other) noexcept {
        std::swap(type, other.type);
        std::swap(naive, other.naive);
        return *this;
    }
    ~Twin() {
        if (type != nullptr && !type->predefined) static_cast<void>(type_free(*type));
    }
};

/// Makes random nested types of bounded size, the same ones for the same seed.
class Maker {
  public:
    explicit Maker(unsigned seed) : random_(seed) {}

    Count pick(Count low, Count high) {
        return std::uniform_int_distribution<Count>(low, high)(random_);
    }

    Twin basic() {
        static constexpr std::uintptr_t kHandles[] = {0x209, 0x210, 0x214, 0x208, 0x243,
                                                      0x247, 0x229, 0x22c, 0x228, 0x220,
                                                      0x217, 0x22d, 0x20a, 0x23c, 0x22a};
        const auto i = static_cast<std::size_t>(pick(0, std::size(kHandles) - 1));
        const auto handle = reinterpret_cast<MPI_Datatype>(kHandles[i]);
        return {&type_of(handle), naive_basic(handle)};
    }

    Twin make(int depth) {
        if (depth == 0) return basic();
        Twin twin = derive(depth);
        return twin.naive.map.size() <= kMaxEntries ? std::move(twin) : basic();
    }

  private:
    static constexpr std::size_t kMaxEntries = 4000;

    Twin derive(int depth) {
        const Count kind = pick(0, 11);
        if (kind == 5) return make_struct(depth);
        const Twin old = make(depth - 1);
        switch (kind) {
            case 0: return contiguous(old);
            case 1:
            case 2: return vector(old, kind == 1);
            case 6:
            case 7: return indexed_block(old, kind == 6);
            case 8: return resized(old);
            case 9: return duplicate(old);
            case 10: return subarray(old);
            case 11: return darray(old);
            default: return indexed(old, kind == 3);
        }
    }

    Twin indexed_block(const Twin& old, bool in_elements) {
        Twin twin;
        const Count n = pick(0, 8);
        const Count unit = in_elements ? old.naive.extent() : 1;
        const Count length = pick(0, 3);
        std::vector<int> places;
        std::vector<Aint> addresses;
        Count end = 0;
        for (Count i = 0; i < n; ++i) {
            const Count place = next_place(i, end, in_elements ? 20 : 300);
            end = place + length * old.naive.extent() / (unit == 0 ? 1 : unit);
            places.push_back(static_cast<int>(place));
            addresses.push_back(place);
            twin.naive.append(old.naive, place * unit, length);
        }
        const Status s =
            in_elements
                ? type_create_indexed_block(n, length, places.data(), *old.type, twin.type)
                : type_create_hindexed_block(n, length, addresses.data(), *old.type, twin.type);
        EXPECT_EQ(s, Status::ok);
        return twin;
    }

    Twin resized(const Twin& old) {
        Twin twin;
        const Count lb = pick(-30, 30);
        const Count extent = pick(0, 3) == 0 ? pick(-100, 100) : old.naive.extent() + pick(0, 40);
        EXPECT_EQ(type_create_resized(*old.type, lb, extent, twin.type), Status::ok);
        twin.naive = old.naive;
        twin.naive.resize(lb, extent);
        return twin;
    }

    Twin duplicate(const Twin& old) {
        Twin twin;
        EXPECT_EQ(type_dup(*old.type, twin.type), Status::ok);
        twin.naive = old.naive;
        return twin;
    }

    /// Calls f(index, place) for every element of an array in the order of memory.
    template <class F>
    static void for_each_element(const std::vector<int>& sizes, int order, F f) {
        Count total = 1;
        for (const int size : sizes) total *= size;
        std::vector<int> index(sizes.size());
        for (Count place = 0; place < total; ++place) {
            Count rest = place;
            for (std::size_t k = 0; k < sizes.size(); ++k) {
                const std::size_t d = order == MPI_ORDER_C ? sizes.size() - 1 - k : k;
                index[d] = static_cast<int>(rest % sizes[d]);
                rest /= sizes[d];
            }
            f(index, place);
        }
    }

    Twin subarray(const Twin& old) {
        Twin twin;
        std::vector<int> sizes;
        std::vector<int> subsizes;
        std::vector<int> starts;
        Count total = 1;
        for (Count n = pick(1, 4); n != 0; --n) {
            sizes.push_back(static_cast<int>(pick(1, 6)));
            subsizes.push_back(static_cast<int>(pick(1, sizes.back())));
            starts.push_back(static_cast<int>(pick(0, sizes.back() - subsizes.back())));
            total *= sizes.back();
        }
        const int order = pick(0, 1) == 0 ? MPI_ORDER_C : MPI_ORDER_FORTRAN;
        EXPECT_EQ(type_create_subarray(static_cast<int>(sizes.size()), sizes.data(),
                                       subsizes.data(), starts.data(), order, *old.type, twin.type),
                  Status::ok);
        for_each_element(sizes, order, [&](const std::vector<int>& index, Count place) {
            for (std::size_t d = 0; d < sizes.size(); ++d) {
                if (index[d] < starts[d] || index[d] >= starts[d] + subsizes[d]) return;
            }
            twin.naive.append(old.naive, place * old.naive.extent(), 1);
        });
        twin.naive.resize(0, total * old.naive.extent());
        return twin;
    }

    Twin darray(const Twin& old) {
        Twin twin;
        std::vector<int> sizes;
        std::vector<int> kinds;
        std::vector<int> arguments;
        std::vector<int> grid;
        Count total = 1;
        Count processes = 1;
        for (Count n = pick(1, 3); n != 0; --n) {
            const int size = static_cast<int>(pick(1, 7));
            const int kind = static_cast<int>(pick(MPI_DISTRIBUTE_NONE, MPI_DISTRIBUTE_CYCLIC));
            const int p = kind == MPI_DISTRIBUTE_NONE ? 1 : static_cast<int>(pick(1, 4));
            int argument = MPI_DISTRIBUTE_DFLT_DARG;
            if (kind == MPI_DISTRIBUTE_CYCLIC && pick(0, 1) == 0) {
                argument = static_cast<int>(pick(1, 4));
            }
            if (kind == MPI_DISTRIBUTE_BLOCK && pick(0, 1) == 0) {
                argument = static_cast<int>((size + p - 1) / p + pick(0, 2));
            }
            sizes.push_back(size);
            kinds.push_back(kind);
            arguments.push_back(argument);
            grid.push_back(p);
            total *= size;
            processes *= p;
        }
        const int rank = static_cast<int>(pick(0, processes - 1));
        const int order = pick(0, 1) == 0 ? MPI_ORDER_C : MPI_ORDER_FORTRAN;
        EXPECT_EQ(type_create_darray(static_cast<int>(processes), rank,
                                     static_cast<int>(sizes.size()), sizes.data(), kinds.data(),
                                     arguments.data(), grid.data(), order, *old.type, twin.type),
                  Status::ok);
        for_each_element(sizes, order, [&](const std::vector<int>& index, Count place) {
            int owner = 0;
            for (std::size_t d = 0; d < sizes.size(); ++d) {
                int block = arguments[d];
                if (block == MPI_DISTRIBUTE_DFLT_DARG) {
                    block =
                        kinds[d] == MPI_DISTRIBUTE_CYCLIC ? 1 : (sizes[d] + grid[d] - 1) / grid[d];
                }
                owner = owner * grid[d] + index[d] / block % grid[d];
            }
            if (owner == rank) twin.naive.append(old.naive, place * old.naive.extent(), 1);
        });
        twin.naive.resize(0, total * old.naive.extent());
        return twin;
    }

    Twin contiguous(const Twin& old) {
        Twin twin;
        const Count n = pick(0, 5);
        EXPECT_EQ(type_contiguous(n, *old.type, twin.type), Status::ok);
        twin.naive.append(old.naive, 0, n);
        return twin;
    }

    Twin vector(const Twin& old, bool in_elements) {
        Twin twin;
        const Count n = pick(0, 6);
        const Count length = pick(0, 4);
        const Count unit = in_elements ? old.naive.extent() : 1;
        const Count stride = in_elements ? pick(-6, 8) : pick(-200, 300);
        const Status s = in_elements ? type_vector(n, length, stride, *old.type, twin.type)
                                     : type_create_hvector(n, length, stride, *old.type, twin.type);
        EXPECT_EQ(s, Status::ok);
        for (Count i = 0; i < n; ++i) twin.naive.append(old.naive, i * stride * unit, length);
        return twin;
    }

    /// Displacements: anywhere, or like those of a regular or touching pattern.
    Count next_place(Count i, Count previous_end, Count range) {
        switch (pick(0, 3)) {
            case 0: return previous_end;
            case 1: return i * 7;
            default: return pick(-range, range);
        }
    }

    Twin indexed(const Twin& old, bool in_elements) {
        Twin twin;
        const Count n = pick(0, 8);
        const Count unit = in_elements ? old.naive.extent() : 1;
        const bool equal = pick(0, 1) == 0;
        std::vector<int> lengths;
        std::vector<int> places;
        std::vector<Aint> addresses;
        Count end = 0;
        for (Count i = 0; i < n; ++i) {
            const Count length = equal ? 2 : pick(0, 4);
            const Count place = next_place(i, end, in_elements ? 20 : 300);
            end = place + length * old.naive.extent() / (unit == 0 ? 1 : unit);
            lengths.push_back(static_cast<int>(length));
            places.push_back(static_cast<int>(place));
            addresses.push_back(place);
            twin.naive.append(old.naive, place * unit, length);
        }
        const Status s =
            in_elements
                ? type_indexed(n, lengths.data(), places.data(), *old.type, twin.type)
                : type_create_hindexed(n, lengths.data(), addresses.data(), *old.type, twin.type);
        EXPECT_EQ(s, Status::ok);
        return twin;
    }

    Twin make_struct(int depth) {
        Twin twin;
        const Count n = pick(0, 5);
        std::vector<int> lengths;
        std::vector<Aint> places;
        std::vector<MPI_Datatype> handles;
        std::vector<Twin> parts;
        Count end = 0;
        for (Count i = 0; i < n; ++i) {
            parts.push_back(make(static_cast<int>(pick(0, depth - 1))));
            const Twin& part = parts.back();
            const Count length = pick(0, 3);
            const Count place = next_place(i, end, 400);
            end = place + length * part.naive.extent();
            lengths.push_back(static_cast<int>(length));
            places.push_back(place);
            handles.push_back(handle_of<MPI_Datatype>(*part.type));
            twin.naive.append(part.naive, place, length);
        }
        EXPECT_EQ(type_create_struct(n, lengths.data(), places.data(),
                                     DatatypeArray(handles.data()), twin.type),
                  Status::ok);
        return twin;
    }

    std::mt19937 random_;
};

}  // namespace mpi::testing
