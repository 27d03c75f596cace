// The random sparse matrix of CG.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cg {

// A symmetric n x n matrix: the sum of n outer products of sparse random vectors with a fixed
// number of nonzeros, weighted by a geometric series, plus (rcond - shift) on the diagonal.
struct MatrixSpec {
    int n;         // order
    int nonzeros;  // in each random vector
    double shift;  // of the eigenvalues
};

// A half-open range of rows or columns.
struct Range {
    int begin;
    int end;
    int size() const { return end - begin; }
    bool contains(int i) const { return i >= begin && i < end; }
};

// A block of a matrix by rows: row i (counted from the block's first) has its values and columns
// (counted from the block's first) at start[i] .. start[i + 1]-1, by ascending column.
struct SparseBlock {
    std::vector<std::size_t> start;
    std::vector<std::int32_t> column;
    std::vector<double> value;
};

// Makes one rank's block. Every rank draws all random vectors, because each depends on the numbers
// used up by those before, and keeps what falls into its block.
SparseBlock make_block(const MatrixSpec& spec, Range rows, Range columns);

}  // namespace cg
