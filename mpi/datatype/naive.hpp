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
    };
    std::vector<Entry> map;

    Count size() const {
        Count sum = 0;
        for (const Entry& e : map) sum += e.size;
        return sum;
    }
    Count lb() const {
        Count low = map.empty() ? 0 : map[0].at;
        for (const Entry& e : map) low = std::min(low, e.at);
        return low;
    }
    Count true_ub() const {
        Count high = map.empty() ? 0 : map[0].at + map[0].size;
        for (const Entry& e : map) high = std::max(high, e.at + e.size);
        return high;
    }
    Count extent() const {
        Count alignment = 1;
        for (const Entry& e : map) alignment = std::max(alignment, e.alignment);
        const Count span = true_ub() - lb();
        return (span + alignment - 1) / alignment * alignment;
    }
    /// Appends `n` copies of `part`, the first at `at`.
    void append(const Naive& part, Count at, Count n) {
        const Count extent = part.extent();
        for (Count i = 0; i < n; ++i) {
            for (Entry e : part.map) {
                e.at += at + i * extent;
                map.push_back(e);
            }
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
    if (type.category != Category::pair) return {{{0, type.size, alignment}}};
    const Count second = handle == MPI_2DOUBLE_PRECISION ? 8 : 4;
    const Count second_at = type.true_extent - second;
    return {{{0, type.size - second, alignment}, {second_at, second, second}}};
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
        static constexpr std::uintptr_t kHandles[] = {0x209, 0x210, 0x214, 0x208, 0x243, 0x247,
                                                      0x229, 0x22c, 0x228, 0x220, 0x217, 0x22d};
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
        const Count kind = pick(0, 5);
        if (kind == 5) return make_struct(depth);
        const Twin old = make(depth - 1);
        switch (kind) {
            case 0: return contiguous(old);
            case 1:
            case 2: return vector(old, kind == 1);
            default: return indexed(old, kind == 3);
        }
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
            end = place + length * old.naive.extent() / std::max<Count>(unit, 1);
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
