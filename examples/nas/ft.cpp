// FT, Fourier transform: a 3-D diffusion equation solved in frequency space. One forward transform
// of a random field, then in each iteration a step in time, an inverse transform and a checksum.
// The field is cut among the ranks; a transform turns it around with MPI_Alltoall, so that nearly
// all data move between all ranks. It shows bandwidth.
//
// Specification: RNR-94-007, section 2.2.4.
//
// The ranks form a grid of `across` x `along`. In space each rank has a range of y (one of
// `across`) and of z (one of `along`), and whole lines of x. While there are planes enough,
// `across` is 1 (a layout of slabs); with more ranks than planes every rank has a pencil. No local
// transposition is needed: lines are transformed where the exchange has put them.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <vector>

#include "ft_lines.hpp"
#include "nas.hpp"

namespace {

using ft::Complex;
using ft::Direction;
using Field = std::vector<Complex>;

constexpr double kAlpha = 1e-6;
constexpr double kEpsilon = 1e-12;
constexpr int kChecksumPoints = 1024;
constexpr int kMaxIterations = 20;

struct ProblemClass {
    char name;
    int nx, ny, nz;
    int iterations;
    Complex checksums[kMaxIterations];  // the official ones
};

const ProblemClass kClasses[] = {
    {'S',
     64,
     64,
     64,
     6,
     {{554.6087004964, 484.5363331978},
      {554.6385409189, 486.5304269511},
      {554.6148406171, 488.3910722336},
      {554.5423607415, 490.1273169046},
      {554.4255039624, 491.7475857993},
      {554.2683411902, 493.2597244941}}},
    {'W',
     128,
     128,
     32,
     6,
     {{567.3612178944, 529.3246849175},
      {563.1436885271, 528.2149986629},
      {559.4024089970, 527.0996558037},
      {556.0698047020, 526.0027904925},
      {553.0898991250, 524.9400845633},
      {550.4159734538, 523.9212247086}}},
    {'A',
     256,
     256,
     128,
     6,
     {{504.6735008193, 511.4047905510},
      {505.9412319734, 509.8809666433},
      {506.9376896287, 509.8144042213},
      {507.7892868474, 510.1336130759},
      {508.5233095391, 510.4914655194},
      {509.1487099959, 510.7917842803}}},
    {'B', 512, 256, 256, 20, {{517.7643571579, 507.7803458597}, {515.4521291263, 508.8249431599},
                              {514.6409228649, 509.6208912659}, {514.2378756213, 510.1023387619},
                              {513.9626667737, 510.3976610617}, {513.7423460082, 510.5948019802},
                              {513.5547056878, 510.7404165783}, {513.3910925466, 510.8576573661},
                              {513.2470705390, 510.9577278523}, {513.1197729984, 511.0460304483},
                              {513.0070319283, 511.1252433800}, {512.9070537032, 511.1968077718},
                              {512.8182883502, 511.2616233064}, {512.7393733383, 511.3203605551},
                              {512.6691062020, 511.3735928093}, {512.6064276004, 511.4218460548},
                              {512.5504076570, 511.4656139760}, {512.5002331720, 511.5053595966},
                              {512.4551951846, 511.5415130407}, {512.4146770029, 511.5744692211}}},
    {'C', 512, 512, 512, 20, {{519.5078707457, 514.9019699238}, {515.5422171134, 512.7578201997},
                              {514.4678022222, 512.2251847514}, {514.0150594328, 512.1090289018},
                              {513.7550426810, 512.1143685824}, {513.5811056728, 512.1496764568},
                              {513.4569343165, 512.1870921893}, {513.3651975661, 512.2193250322},
                              {513.2955192805, 512.2454735794}, {513.2410471738, 512.2663649603},
                              {513.1971141679, 512.2830879827}, {513.1605205716, 512.2965869718},
                              {513.1290734194, 512.3075927445}, {513.1012720314, 512.3166486553},
                              {513.0760908195, 512.3241541685}, {513.0528295923, 512.3304037599},
                              {513.0310107773, 512.3356167976}, {513.0103090133, 512.3399592211},
                              {512.9905029333, 512.3435588985}, {512.9714421109, 512.3465164008}}},
};

// The frequency that index `i` of `n` stands for: 0, 1, ... n/2-1, -n/2, ... -1.
int frequency(int i, int n) {
    return i < n / 2 ? i : i - n;
}

class FourierSolver {
  public:
    FourierSolver(const nas::Job& job, const ProblemClass& problem);
    ~FourierSolver();
    FourierSolver(const FourierSolver&) = delete;
    FourierSolver& operator=(const FourierSolver&) = delete;

    // Fills the field with the random numbers of the specification and transforms it.
    void start();
    // Goes one step in time and back into space; returns the checksum on rank 0.
    Complex step();

  private:
    void fill_random(Field& field);
    void evolve();
    Complex checksum() const;

    // Both transform `field`, using `scratch` for the exchanges, and leave the result in `field`.
    void transform_forward(Field& field, Field& scratch);
    void transform_inverse(Field& field, Field& scratch);
    void transform_x(const Field& in, Field& out, Direction direction);
    void transform_y(Field& field, Direction direction);
    void transform_z(Field& field, Direction direction);
    static void exchange(const Field& from, Field& to, MPI_Comm comm, int ranks);

    const int nx_, ny_, nz_;
    int across_, along_;        // ranks that share x-y pencils; ranks that share y-z
    int my_across_, my_along_;  // this rank's place
    MPI_Comm comm_across_ = MPI_COMM_NULL;
    MPI_Comm comm_along_ = MPI_COMM_NULL;

    // This rank's share of each axis. In space: y_space_ x z_ x nx. In frequency, where the field
    // is along_ blocks one after the other: y_frequency_ x z_ x x_ each.
    int x_, y_space_, z_, y_frequency_;
    double points_;  // of the whole field

    ft::LineTransform lines_;
    Field spectrum_;         // the field in frequency, at the present time
    Field field_, scratch_;  // for transforms
    std::vector<double> decay_x_, decay_y_, decay_z_;  // what one step does to each frequency
};

FourierSolver::FourierSolver(const nas::Job& job, const ProblemClass& problem)
    : nx_(problem.nx),
      ny_(problem.ny),
      nz_(problem.nz),
      across_(std::max(1, job.ranks / problem.nz)),
      along_(job.ranks / across_),
      my_across_(job.rank / along_),
      my_along_(job.rank % along_),
      x_(nx_ / across_),
      y_space_(ny_ / across_),
      z_(nz_ / along_),
      y_frequency_(ny_ / along_),
      points_(static_cast<double>(nx_) * ny_ * nz_),
      lines_(std::max({nx_, ny_, nz_})) {
    MPI_Comm_split(MPI_COMM_WORLD, my_along_, my_across_, &comm_across_);
    MPI_Comm_split(MPI_COMM_WORLD, my_across_, my_along_, &comm_along_);
    const std::size_t share = static_cast<std::size_t>(nx_) * static_cast<std::size_t>(y_space_) *
                              static_cast<std::size_t>(z_);
    spectrum_.resize(share);
    field_.resize(share);
    if (job.ranks > 1) scratch_.resize(share);
}

FourierSolver::~FourierSolver() {
    MPI_Comm_free(&comm_across_);
    MPI_Comm_free(&comm_along_);
}

void FourierSolver::fill_random(Field& field) {
    for (int z = 0; z < z_; ++z) {
        nas::Random random;
        const std::int64_t row =
            static_cast<std::int64_t>(my_along_ * z_ + z) * ny_ + my_across_ * y_space_;
        random.skip(static_cast<std::uint64_t>(row) * 2 * static_cast<std::uint64_t>(nx_));
        for (int y = 0; y < y_space_; ++y) {
            // A complex number is two doubles, real part first.
            Complex* const line =
                &field[static_cast<std::size_t>(y * z_ + z) * static_cast<std::size_t>(nx_)];
            random.fill(reinterpret_cast<double*>(line), 2 * static_cast<std::size_t>(nx_));
        }
    }
}

void FourierSolver::start() {
    const auto decay = [](int n) {
        std::vector<double> factors;
        for (int i = 0; i < n; ++i) {
            const double k = frequency(i, n);
            factors.push_back(std::exp(-4 * kAlpha * std::numbers::pi * std::numbers::pi * k * k));
        }
        return factors;
    };
    decay_x_ = decay(nx_);
    decay_y_ = decay(ny_);
    decay_z_ = decay(nz_);
    lines_ = ft::LineTransform(std::max({nx_, ny_, nz_}));
    fill_random(spectrum_);
    transform_forward(spectrum_, scratch_);
}

// Moves the spectrum one step in time, and copies it for the inverse transform. The decay of a
// frequency is the product of the decays of its parts.
void FourierSolver::evolve() {
    Complex* value = spectrum_.data();
    Complex* copy = field_.data();
    const double* const along_x = decay_x_.data() + my_across_ * x_;
    for (int block = 0; block < along_; ++block) {
        for (int y = 0; y < y_frequency_; ++y) {
            for (int z = 0; z < z_; ++z) {
                const double yz = decay_y_[static_cast<std::size_t>(my_along_ * y_frequency_ + y)] *
                                  decay_z_[static_cast<std::size_t>(block * z_ + z)];
                for (int x = 0; x < x_; ++x) {
                    value[x] *= yz * along_x[x];
                    copy[x] = value[x];
                }
                value += x_;
                copy += x_;
            }
        }
    }
}

Complex FourierSolver::step() {
    evolve();
    transform_inverse(field_, scratch_);
    return checksum();
}

Complex FourierSolver::checksum() const {
    Complex mine = 0;
    for (int j = 1; j <= kChecksumPoints; ++j) {
        const int x = j % nx_;
        const int y = 3 * j % ny_ - my_across_ * y_space_;
        const int z = 5 * j % nz_ - my_along_ * z_;
        if (y < 0 || y >= y_space_ || z < 0 || z >= z_) continue;
        mine += field_[static_cast<std::size_t>(y * z_ + z) * static_cast<std::size_t>(nx_) +
                       static_cast<std::size_t>(x)];
    }
    mine /= points_;
    Complex all = 0;
    MPI_Reduce(&mine, &all, 1, MPI_C_DOUBLE_COMPLEX, MPI_SUM, 0, MPI_COMM_WORLD);
    return all;
}

// Sends the r-th part of `from` to rank r, for all r, and puts what they send in their order.
void FourierSolver::exchange(const Field& from, Field& to, MPI_Comm comm, int ranks) {
    const int count = static_cast<int>(from.size() / static_cast<std::size_t>(ranks));
    MPI_Alltoall(from.data(), count, MPI_C_DOUBLE_COMPLEX, to.data(), count, MPI_C_DOUBLE_COMPLEX,
                 comm);
}

void FourierSolver::transform_forward(Field& field, Field& scratch) {
    if (across_ > 1) {
        transform_x(field, scratch, Direction::kForward);
        exchange(scratch, field, comm_across_, across_);
    } else {
        transform_x(field, field, Direction::kForward);
    }
    transform_y(field, Direction::kForward);
    if (along_ > 1) {
        exchange(field, scratch, comm_along_, along_);
        field.swap(scratch);
    }
    transform_z(field, Direction::kForward);
}

void FourierSolver::transform_inverse(Field& field, Field& scratch) {
    transform_z(field, Direction::kInverse);
    if (along_ > 1) {
        exchange(field, scratch, comm_along_, along_);
        field.swap(scratch);
    }
    transform_y(field, Direction::kInverse);
    if (across_ > 1) {
        exchange(field, scratch, comm_across_, across_);
        transform_x(scratch, field, Direction::kInverse);
    } else {
        transform_x(field, field, Direction::kInverse);
    }
}

// In space the field is y_space_ x z_ lines of x. On the other side of the exchange, each line is
// cut into across_ pieces, one for each rank, and the pieces for one rank lie together.
void FourierSolver::transform_x(const Field& in, Field& out, Direction direction) {
    const std::ptrdiff_t lines = static_cast<std::ptrdiff_t>(y_space_) * z_;
    const ft::Stride whole{nx_, 1, nx_, 0};
    const ft::Stride cut{x_, 1, x_, lines * x_};
    const bool forward = direction == Direction::kForward;
    lines_.run(in.data(), forward ? whole : cut, out.data(), forward ? cut : whole, nx_, lines,
               direction);
}

// Here the field is ny x z_ x x_: y is whole.
void FourierSolver::transform_y(Field& field, Direction direction) {
    const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(z_) * x_;
    const ft::Stride stride{1, plane, ny_, 0};
    lines_.run(field.data(), stride, field.data(), stride, ny_, plane, direction);
}

// Here the field is along_ blocks of y_frequency_ x z_ x x_: a line of z goes through all blocks.
void FourierSolver::transform_z(Field& field, Direction direction) {
    const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(z_) * x_;
    const ft::Stride stride{1, x_, z_, y_frequency_ * plane};
    for (int y = 0; y < y_frequency_; ++y) {
        Complex* const first = field.data() + y * plane;
        lines_.run(first, stride, first, stride, nz_, x_, direction);
    }
}

nas::Result run(const nas::Job& job) {
    const ProblemClass& problem = nas::find_class(kClasses, job.problem_class);
    FourierSolver solver(job, problem);
    solver.start();  // once untimed, to touch all memory

    MPI_Barrier(MPI_COMM_WORLD);
    const nas::Timer timer;
    nas::Result result;
    result.verified = true;
    solver.start();
    for (int i = 0; i < problem.iterations; ++i) {
        const Complex sum = solver.step();
        const Complex official = problem.checksums[i];
        if (!(std::abs((sum - official) / official) <= kEpsilon)) result.verified = false;
        if (job.root())
            std::printf(" T = %3d  checksum = %20.12e %20.12e\n", i + 1, sum.real(), sum.imag());
    }
    result.seconds = timer.seconds();

    const double points = static_cast<double>(problem.nx) * problem.ny * problem.nz;
    char size[48];
    std::snprintf(size, sizeof size, "%dx%dx%d", problem.nx, problem.ny, problem.nz);
    result.size = size;
    result.iterations = problem.iterations;
    // The count of operations by which NPB computes its rate.
    result.operations = points * (14.8157 + 7.19641 * std::log(points) +
                                  (5.23518 + 7.21113 * std::log(points)) * problem.iterations);
    result.operation = "floating point";
    return result;
}

// Slabs while there are planes enough, then pencils while there are lines enough.
bool cuts_evenly(char problem_class, int ranks) {
    const ProblemClass& problem = nas::find_class(kClasses, problem_class);
    return nas::is_power_of_two(ranks) && ranks / problem.nz <= std::min(problem.nx, problem.ny);
}

}  // namespace

int main(int argc, char** argv) {
    return nas::run_program(argc, argv,
                            {"FT", "Fourier transform in three dimensions, all-to-all exchange",
                             "a power of two (class S, W: up to 4096)", cuts_evenly, run});
}
