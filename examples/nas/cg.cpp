// CG, conjugate gradient: the smallest eigenvalue of a large sparse random matrix by the inverse
// power method, each step solved by 25 iterations of CG. Its messages are many and of middle size,
// along the rows of a grid of ranks and across its diagonal. It shows latency.
//
// Specification: RNR-94-007, section 2.2.3. The ranks form a grid of rows x columns, columns being
// rows or 2 * rows; rank (i, j) has the block of row range i and column range j.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "cg_matrix.hpp"
#include "nas.hpp"

namespace {

struct ProblemClass {
    char name;
    cg::MatrixSpec matrix;
    int iterations;
    double zeta;  // the official result
};

constexpr ProblemClass kClasses[] = {
    {'S', {1400, 7, 10}, 15, 8.5971775078648},     {'W', {7000, 8, 12}, 15, 10.362595087124},
    {'A', {14000, 11, 20}, 15, 17.130235054029},   {'B', {75000, 13, 60}, 75, 22.712745482631},
    {'C', {150000, 15, 110}, 75, 28.973605592845},
};
constexpr double kEpsilon = 1e-10;
constexpr int kSolverIterations = 25;

using Vector = std::vector<double>;

// Which block a rank has, and with whom it exchanges what.
//
// A vector lives in pieces by column ranges, each piece on all the ranks of a grid column. A
// product comes out by row ranges, in parts that are to be summed along a grid row. With columns ==
// rows every rank ends with the sum of its whole row range; with columns == 2 * rows, ranks of even
// column keep the first half, those of odd column the second. That is just the piece which the rank
// at the mirrored place needs.
struct Layout {
    cg::Range rows;
    cg::Range columns;
    int keep_begin;  // the part of the row range that this rank keeps, from the range's first row
    int keep_size;
    bool halves;               // columns == 2 * rows
    int mirror;                // the rank at the mirrored place, perhaps this one
    std::vector<int> partner;  // in the grid row, at distances 1, 2, 4 ...

    Layout(const nas::Job& job, int n);
};

Layout::Layout(const nas::Job& job, int n) {
    const int log2_ranks = nas::log2_exact(job.ranks);
    const int grid_rows = 1 << (log2_ranks / 2);
    const int grid_columns = job.ranks / grid_rows;
    const int my_row = job.rank / grid_columns;
    const int my_column = job.rank % grid_columns;
    halves = grid_columns != grid_rows;

    // The part of row range `i` that ranks of column parity `odd` keep.
    const nas::Blocks blocks{n, grid_rows};
    const auto kept = [&](int i, bool odd) {
        const auto begin = static_cast<int>(blocks.begin(i));
        const auto end = static_cast<int>(blocks.begin(i + 1));
        const int middle = begin + (end - begin + 1) / 2;
        if (!halves) return cg::Range{begin, end};
        return odd ? cg::Range{middle, end} : cg::Range{begin, middle};
    };
    const int per_range = halves ? 2 : 1;  // grid columns to one row range
    const bool odd = my_column % 2 == 1;
    rows = {static_cast<int>(blocks.begin(my_row)), static_cast<int>(blocks.begin(my_row + 1))};
    columns = kept(my_column / per_range, odd);
    keep_begin = kept(my_row, odd).begin - rows.begin;
    keep_size = kept(my_row, odd).size();

    mirror = (my_column / per_range) * grid_columns + my_row * per_range + my_column % per_range;
    for (int distance = 1; distance < grid_columns; distance *= 2)
        partner.push_back(my_row * grid_columns + (my_column ^ distance));
}

class Solver {
  public:
    Solver(const nas::Job& job, const cg::MatrixSpec& spec)
        : layout_(job, spec.n), matrix_(cg::make_block(spec, layout_.rows, layout_.columns)) {
        const auto piece = static_cast<std::size_t>(layout_.columns.size());
        for (Vector* v : {&x_, &z_, &p_, &q_, &r_}) v->resize(piece);
        partial_.resize(static_cast<std::size_t>(layout_.rows.size()));
        incoming_.resize(partial_.size());
    }

    // Sets x to (1, 1, ... 1).
    void reset() { std::fill(x_.begin(), x_.end(), 1.0); }

    // One step of the inverse power method: solves A z = x, returns x.z, makes x the normalised z.
    double iterate(double& residual);

  private:
    double solve();
    void multiply(const Vector& in, Vector& out);
    void multiply_block(const Vector& in, double* out) const;
    void sum_along_row(double* values, int count);
    double global_dot(const Vector& a, const Vector& b);

    Layout layout_;
    cg::SparseBlock matrix_;
    Vector x_, z_, p_, q_, r_;   // by the names of the specification
    Vector partial_, incoming_;  // a product before it is summed; what a partner sent
};

// Sends to and receives from the same rank.
void exchange(const double* send, int send_count, double* receive, int receive_count, int peer) {
    MPI_Request request;
    MPI_Irecv(receive, receive_count, MPI_DOUBLE, peer, 1, MPI_COMM_WORLD, &request);
    MPI_Send(send, send_count, MPI_DOUBLE, peer, 1, MPI_COMM_WORLD);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
}

// Four partial sums, so that an addition need not wait for the one before.
void Solver::multiply_block(const Vector& in, double* out) const {
    const double* const value = matrix_.value.data();
    const std::int32_t* const column = matrix_.column.data();
    const double* const x = in.data();
    const std::size_t rows = matrix_.start.size() - 1;
    for (std::size_t row = 0; row < rows; ++row) {
        std::size_t k = matrix_.start[row];
        const std::size_t end = matrix_.start[row + 1];
        double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (; k + 4 <= end; k += 4) {
            s0 += value[k] * x[column[k]];
            s1 += value[k + 1] * x[column[k + 1]];
            s2 += value[k + 2] * x[column[k + 2]];
            s3 += value[k + 3] * x[column[k + 3]];
        }
        for (; k < end; ++k) s0 += value[k] * x[column[k]];
        out[row] = (s0 + s1) + (s2 + s3);
    }
}

// out = A in.
void Solver::multiply(const Vector& in, Vector& out) {
    if (layout_.partner.empty()) {
        multiply_block(in, out.data());
        return;
    }
    multiply_block(in, partial_.data());

    // Sum the part to keep along the grid row. At distance 1 in a grid with halves the partner
    // keeps the other half; at all other distances it keeps the same part.
    double* const kept = partial_.data() + layout_.keep_begin;
    for (std::size_t step = 0; step < layout_.partner.size(); ++step) {
        const bool other_half = layout_.halves && step == 0;
        const double* send = kept;
        int send_size = layout_.keep_size;
        if (other_half) {
            send = layout_.keep_begin == 0 ? kept + layout_.keep_size : partial_.data();
            send_size = layout_.rows.size() - layout_.keep_size;
        }
        exchange(send, send_size, incoming_.data(), layout_.keep_size, layout_.partner[step]);
        for (int i = 0; i < layout_.keep_size; ++i)
            kept[i] += incoming_[static_cast<std::size_t>(i)];
    }

    if (layout_.columns.begin == layout_.rows.begin + layout_.keep_begin)
        std::copy_n(kept, layout_.keep_size, out.data());  // on the diagonal: this rank's own
    else
        exchange(kept, layout_.keep_size, out.data(), layout_.columns.size(), layout_.mirror);
}

// Sums over the ranks of the grid row: they hold all pieces of a vector, each once.
void Solver::sum_along_row(double* values, int count) {
    double other[2];
    for (const int peer : layout_.partner) {
        exchange(values, count, other, count, peer);
        for (int i = 0; i < count; ++i) values[i] += other[i];
    }
}

double local_dot(const Vector& a, const Vector& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

double Solver::global_dot(const Vector& a, const Vector& b) {
    double sum = local_dot(a, b);
    sum_along_row(&sum, 1);
    return sum;
}

// Solves A z = x by 25 iterations of CG; returns ||x - A z||.
double Solver::solve() {
    const std::size_t n = x_.size();
    std::fill(z_.begin(), z_.end(), 0.0);
    r_ = x_;
    p_ = x_;
    double rho = global_dot(r_, r_);
    for (int iteration = 0; iteration < kSolverIterations; ++iteration) {
        multiply(p_, q_);
        const double alpha = rho / global_dot(p_, q_);
        double sum = 0;
        for (std::size_t i = 0; i < n; ++i) {
            z_[i] += alpha * p_[i];
            r_[i] -= alpha * q_[i];
            sum += r_[i] * r_[i];
        }
        sum_along_row(&sum, 1);
        const double beta = sum / rho;
        rho = sum;
        for (std::size_t i = 0; i < n; ++i) p_[i] = r_[i] + beta * p_[i];
    }
    multiply(z_, r_);
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const double d = x_[i] - r_[i];
        sum += d * d;
    }
    sum_along_row(&sum, 1);
    return std::sqrt(sum);
}

double Solver::iterate(double& residual) {
    residual = solve();
    double dots[2] = {local_dot(x_, z_), local_dot(z_, z_)};
    sum_along_row(dots, 2);
    const double scale = 1 / std::sqrt(dots[1]);
    for (std::size_t i = 0; i < x_.size(); ++i) x_[i] = scale * z_[i];
    return dots[0];
}

nas::Result run(const nas::Job& job) {
    const ProblemClass& problem = nas::find_class(kClasses, job.problem_class);
    Solver solver(job, problem.matrix);
    double residual = 0;
    solver.reset();
    solver.iterate(residual);  // once untimed, to touch all memory
    solver.reset();

    MPI_Barrier(MPI_COMM_WORLD);
    const nas::Timer timer;
    double zeta = 0;
    for (int i = 1; i <= problem.iterations; ++i) {
        zeta = problem.matrix.shift + 1 / solver.iterate(residual);
        if (job.root()) std::printf(" %5d  ||r|| = %20.14e  zeta = %18.13f\n", i, residual, zeta);
    }
    nas::Result result;
    result.seconds = timer.seconds();

    const double row_work = problem.matrix.nonzeros * (problem.matrix.nonzeros + 1.0);
    result.size = std::to_string(problem.matrix.n);
    result.iterations = problem.iterations;
    result.operations = 2.0 * problem.iterations * problem.matrix.n *
                        (3 + row_work + kSolverIterations * (5 + row_work) + 3);
    result.operation = "floating point";
    result.verified = nas::close_to(zeta, problem.zeta, kEpsilon);
    return result;
}

// Up to a million ranks each has at least one row and one column of class S.
bool power_of_two(char, int ranks) {
    return nas::is_power_of_two(ranks) && ranks <= (1 << 20);
}

}  // namespace

int main(int argc, char** argv) {
    return nas::run_program(argc, argv,
                            {"CG", "conjugate gradient, many messages of middle size",
                             "a power of two", power_of_two, run});
}
