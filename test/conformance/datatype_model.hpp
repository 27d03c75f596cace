// A naive reference for derived datatypes: the type map, written out, beside the MPI handle.
//
// Each constructor here makes both: the MPI type by the MPI call, and the list of (displacement,
// size) of its basic elements by the standard's definition. The tests then compare what MPI does
// with what the list says. Byte displacements and alignments in the tests are such that the
// standard's padding of an extent is unambiguous (only structs are padded, and no basic element is
// misaligned).
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <utility>

#include "test/support/mpi_test.hpp"

namespace datatype {

struct Entry {
    MPI_Aint displacement;
    int size_bytes;
};

struct Model {
    std::vector<Entry> map;  // in the order of the type map
    MPI_Aint lb = 0;
    MPI_Aint ub = 0;
    int align = 1;
    std::string text = "basic";  // how it was made, for messages
    bool nests_empty =
        false;  // made of a type without elements; the peers disagree about its bounds

    MPI_Aint extent() const { return ub - lb; }
    int size_bytes() const {
        int sum = 0;
        for (const Entry& entry : map) sum += entry.size_bytes;
        return sum;
    }
};

// A type with its model. Owns the handle unless the type is predefined.
class Type {
  public:
    Type(MPI_Datatype handle, Model model, bool owned)
        : model_(std::move(model)), owner_(new MPI_Datatype(handle), [owned](MPI_Datatype* type) {
              if (owned) {
                  EXPECT_MPI_OK(MPI_Type_free(type));
              }
              delete type;
          }) {}

    MPI_Datatype handle() const { return *owner_; }
    const Model& model() const { return model_; }
    void commit() { EXPECT_MPI_OK(MPI_Type_commit(owner_.get())); }

  private:
    Model model_;
    std::shared_ptr<MPI_Datatype> owner_;
};

inline std::string list(const auto& values) {
    std::string text = "{";
    for (const auto value : values) text += std::to_string(value) + ",";
    return text + "}";
}

template <class T>
Type basic(MPI_Datatype handle) {
    Model model;
    model.map = {{0, sizeof(T)}};
    model.ub = sizeof(T);
    model.align = alignof(T);
    model.text = "basic" + std::to_string(sizeof(T));
    return {handle, std::move(model), false};
}

// The model of copies of (possibly different) types at given byte displacements; `lengths` copies
// of each in a row.
inline Model placed(const std::vector<int>& lengths, const std::vector<MPI_Aint>& displacements,
                    const std::vector<const Model*>& olds) {
    Model model;
    bool first = true;
    model.text = "placed(" + list(lengths) + list(displacements);
    for (const Model* old : olds)
        if (old == olds.front() || old->text != olds.front()->text) model.text += " " + old->text;
    model.text += ")";
    for (std::size_t i = 0; i < lengths.size(); ++i) {
        const Model& old = *olds[i];
        model.nests_empty = model.nests_empty || old.nests_empty || old.map.empty();
        if (old.map.empty()) continue;  // no elements, so no bounds either
        for (int j = 0; j < lengths[i]; ++j) {
            const MPI_Aint at = displacements[i] + j * old.extent();
            for (const Entry& entry : old.map)
                model.map.push_back({at + entry.displacement, entry.size_bytes});
            model.lb = first ? at + old.lb : std::min(model.lb, at + old.lb);
            model.ub = first ? at + old.ub : std::max(model.ub, at + old.ub);
            model.align = std::max(model.align, old.align);
            first = false;
        }
    }
    return model;
}

inline Model placed(const std::vector<int>& lengths, const std::vector<MPI_Aint>& displacements,
                    const Model& old) {
    return placed(lengths, displacements, std::vector<const Model*>(lengths.size(), &old));
}

inline Type contiguous(int count, const Type& old) {
    MPI_Datatype handle = MPI_DATATYPE_NULL;
    EXPECT_MPI_OK(MPI_Type_contiguous(count, old.handle(), &handle));
    return {handle, placed({count}, {0}, old.model()), true};
}

inline std::vector<MPI_Aint> regular(int count, MPI_Aint stride_bytes) {
    std::vector<MPI_Aint> displacements;
    for (int i = 0; i < count; ++i) displacements.push_back(i * stride_bytes);
    return displacements;
}

inline Type vector(int count, int block, int stride, const Type& old) {
    MPI_Datatype handle = MPI_DATATYPE_NULL;
    EXPECT_MPI_OK(MPI_Type_vector(count, block, stride, old.handle(), &handle));
    return {handle,
            placed(std::vector<int>(static_cast<std::size_t>(count), block),
                   regular(count, stride * old.model().extent()), old.model()),
            true};
}

inline Type hvector(int count, int block, MPI_Aint stride_bytes, const Type& old) {
    MPI_Datatype handle = MPI_DATATYPE_NULL;
    EXPECT_MPI_OK(MPI_Type_create_hvector(count, block, stride_bytes, old.handle(), &handle));
    return {handle,
            placed(std::vector<int>(static_cast<std::size_t>(count), block),
                   regular(count, stride_bytes), old.model()),
            true};
}

inline Type indexed(const std::vector<int>& lengths, const std::vector<int>& displacements,
                    const Type& old) {
    MPI_Datatype handle = MPI_DATATYPE_NULL;
    EXPECT_MPI_OK(MPI_Type_indexed(mpitest::to_int(lengths.size()), lengths.data(),
                                   displacements.data(), old.handle(), &handle));
    std::vector<MPI_Aint> bytes;
    for (const int displacement : displacements)
        bytes.push_back(displacement * old.model().extent());
    return {handle, placed(lengths, bytes, old.model()), true};
}

inline Type hindexed(const std::vector<int>& lengths, const std::vector<MPI_Aint>& displacements,
                     const Type& old) {
    MPI_Datatype handle = MPI_DATATYPE_NULL;
    EXPECT_MPI_OK(MPI_Type_create_hindexed(mpitest::to_int(lengths.size()), lengths.data(),
                                           displacements.data(), old.handle(), &handle));
    return {handle, placed(lengths, displacements, old.model()), true};
}

inline Type structure(const std::vector<int>& lengths, const std::vector<MPI_Aint>& displacements,
                      const std::vector<Type>& olds) {
    std::vector<MPI_Datatype> handles;
    std::vector<const Model*> models;
    for (const Type& old : olds) {
        handles.push_back(old.handle());
        models.push_back(&old.model());
    }
    MPI_Datatype handle = MPI_DATATYPE_NULL;
    EXPECT_MPI_OK(MPI_Type_create_struct(mpitest::to_int(lengths.size()), lengths.data(),
                                         displacements.data(), handles.data(), &handle));
    Model model = placed(lengths, displacements, models);
    const MPI_Aint beyond = model.extent() % model.align;
    if (beyond != 0) model.ub += model.align - beyond;
    return {handle, std::move(model), true};
}

// Memory for `count` elements of a type, with room for negative displacements, in which the i-th
// byte has a value of its own.
class Memory {
  public:
    Memory(const Model& model, int count) {
        MPI_Aint low = 0;
        MPI_Aint high = 0;
        for (const Entry& entry : model.map) {
            low = std::min(low, entry.displacement);
            high = std::max(high, entry.displacement + entry.size_bytes);
        }
        high += std::max(0, count - 1) * model.extent();
        constexpr MPI_Aint kAlign = 64;
        origin_ = static_cast<std::size_t>((-low + kAlign - 1) / kAlign * kAlign);
        bytes_.resize(origin_ + static_cast<std::size_t>(high) + kAlign);
    }

    // Where MPI is told that the buffer begins.
    unsigned char* buffer() { return bytes_.data() + origin_; }
    const unsigned char* buffer() const { return bytes_.data() + origin_; }
    mpitest::Bytes& bytes() { return bytes_; }
    const mpitest::Bytes& bytes() const { return bytes_; }

  private:
    mpitest::Bytes bytes_;
    std::size_t origin_ = 0;
};

// The elements' bytes in the order of the type map.
inline mpitest::Bytes gathered(const Memory& memory, const Model& model, int count) {
    mpitest::Bytes out;
    for (int i = 0; i < count; ++i) {
        const unsigned char* at = memory.buffer() + i * model.extent();
        for (const Entry& entry : model.map)
            out.insert(out.end(), at + entry.displacement,
                       at + entry.displacement + entry.size_bytes);
    }
    return out;
}

inline void scatter(const mpitest::Bytes& in, const Model& model, int count, Memory& memory) {
    std::size_t next = 0;
    for (int i = 0; i < count; ++i) {
        unsigned char* at = memory.buffer() + i * model.extent();
        for (const Entry& entry : model.map) {
            const auto size_bytes = static_cast<std::size_t>(entry.size_bytes);
            if (next + size_bytes > in.size()) return;
            std::memcpy(at + entry.displacement, in.data() + next, size_bytes);
            next += size_bytes;
        }
    }
}

// True if some byte belongs to two elements: such a type may be sent but not received into.
inline bool overlaps(const Model& model, int count) {
    Memory marks(model, count);
    for (int i = 0; i < count; ++i) {
        unsigned char* at = marks.buffer() + i * model.extent();
        for (const Entry& entry : model.map)
            for (int b = 0; b < entry.size_bytes; ++b)
                if (at[entry.displacement + b]++ != 0) return true;
    }
    return false;
}

inline testing::AssertionResult same_bytes(const mpitest::Bytes& actual,
                                           const mpitest::Bytes& expected) {
    if (actual.size() != expected.size())
        return testing::AssertionFailure() << actual.size() << " bytes, not " << expected.size();
    const auto [a, e] = std::mismatch(actual.begin(), actual.end(), expected.begin());
    if (a == actual.end()) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "byte " << a - actual.begin() << " of " << actual.size()
                                       << " is " << int{*a} << ", not " << int{*e};
}

}  // namespace datatype
