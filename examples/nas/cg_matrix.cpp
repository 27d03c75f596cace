// See cg_matrix.hpp.

#include "cg_matrix.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "nas.hpp"

namespace cg {

namespace {

constexpr double kConditionNumber = 0.1;  // "rcond" of the specification
constexpr double kDiagonalElement = 0.5;  // element i of random vector i

struct Element {
    std::int32_t index;
    double value;
};

// All sparse random vectors, one after the other: vector i is elements start[i] .. start[i + 1]-1.
struct RandomVectors {
    std::vector<std::size_t> start;
    std::vector<Element> elements;
};

// Draws the vectors. The order of the draws is part of the problem: for each element first its
// value, then its place; a place beyond n, or one that the vector has already, is drawn anew with
// its value.
RandomVectors draw_vectors(const MatrixSpec& spec) {
    RandomVectors vectors;
    vectors.start.reserve(static_cast<std::size_t>(spec.n) + 1);
    vectors.elements.reserve(static_cast<std::size_t>(spec.n) *
                             (static_cast<std::size_t>(spec.nonzeros) + 1));
    const double places = std::bit_ceil(static_cast<unsigned>(spec.n));
    nas::Random random;
    random.next();  // the first number is not used

    for (int i = 0; i < spec.n; ++i) {
        vectors.start.push_back(vectors.elements.size());
        const auto find = [&](int index) {
            return std::find_if(
                vectors.elements.begin() + static_cast<std::ptrdiff_t>(vectors.start.back()),
                vectors.elements.end(), [&](const Element& e) { return e.index == index; });
        };
        for (int found = 0; found < spec.nonzeros;) {
            const double value = random.next();
            const int index = static_cast<int>(places * random.next());
            if (index >= spec.n || find(index) != vectors.elements.end()) continue;
            vectors.elements.push_back({index, value});
            ++found;
        }
        if (const auto own = find(i); own != vectors.elements.end())
            own->value = kDiagonalElement;
        else
            vectors.elements.push_back({i, kDiagonalElement});
    }
    vectors.start.push_back(vectors.elements.size());
    return vectors;
}

// Where a row occurs: in vector `vector`, with the value `value`.
struct Occurrence {
    std::int32_t vector;
    double value;
};

// For each row of the block, the vectors that have an element there, in ascending order.
struct OccurrenceIndex {
    std::vector<std::size_t> start;
    std::vector<Occurrence> items;
};

OccurrenceIndex index_rows(const RandomVectors& vectors, int n, Range rows) {
    OccurrenceIndex index;
    index.start.assign(static_cast<std::size_t>(rows.size()) + 2, 0);
    // Shifted by two, so that after filling start[r] is again where row r begins.
    for (const Element& e : vectors.elements)
        if (rows.contains(e.index))
            ++index.start[static_cast<std::size_t>(e.index - rows.begin) + 2];
    for (std::size_t r = 2; r < index.start.size(); ++r) index.start[r] += index.start[r - 1];
    index.items.resize(index.start.back());
    for (int v = 0; v < n; ++v) {
        const auto vector = static_cast<std::size_t>(v);
        for (std::size_t k = vectors.start[vector]; k < vectors.start[vector + 1]; ++k) {
            const Element& e = vectors.elements[k];
            if (rows.contains(e.index))
                index.items[index.start[static_cast<std::size_t>(e.index - rows.begin) + 1]++] = {
                    v, e.value};
        }
    }
    return index;
}

}  // namespace

SparseBlock make_block(const MatrixSpec& spec, Range rows, Range columns) {
    const RandomVectors vectors = draw_vectors(spec);
    const OccurrenceIndex index = index_rows(vectors, spec.n, rows);

    std::vector<double> weight(static_cast<std::size_t>(spec.n));
    const double ratio = std::pow(kConditionNumber, 1.0 / spec.n);
    double next_weight = 1;
    for (double& w : weight) {
        w = next_weight;
        next_weight *= ratio;
    }

    SparseBlock block;
    block.start.reserve(static_cast<std::size_t>(rows.size()) + 1);
    block.start.push_back(0);
    // One row at a time is summed up in `sum`; `touched` lists the columns that it has.
    std::vector<double> sum(static_cast<std::size_t>(columns.size()), 0.0);
    std::vector<int> last_row(sum.size(), -1);
    std::vector<std::int32_t> touched;
    const auto add = [&](int row, int column, double value) {
        const auto c = static_cast<std::size_t>(column - columns.begin);
        if (last_row[c] != row) {
            last_row[c] = row;
            sum[c] = 0;
            touched.push_back(static_cast<std::int32_t>(c));
        }
        sum[c] += value;
    };

    for (int row = rows.begin; row < rows.end; ++row) {
        touched.clear();
        const auto r = static_cast<std::size_t>(row - rows.begin);
        for (std::size_t i = index.start[r]; i < index.start[r + 1]; ++i) {
            const Occurrence& here = index.items[i];
            const auto v = static_cast<std::size_t>(here.vector);
            for (std::size_t k = vectors.start[v]; k < vectors.start[v + 1]; ++k) {
                const Element& e = vectors.elements[k];
                if (columns.contains(e.index))
                    add(row, e.index, here.value * (weight[v] * e.value));
            }
        }
        if (columns.contains(row)) add(row, row, kConditionNumber - spec.shift);

        std::sort(touched.begin(), touched.end());
        for (const std::int32_t c : touched) {
            block.column.push_back(c);
            block.value.push_back(sum[static_cast<std::size_t>(c)]);
        }
        block.start.push_back(block.column.size());
    }
    return block;
}

}  // namespace cg
