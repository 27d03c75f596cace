// halo: heat on a 2-D plate, the plate cut among the ranks, borders exchanged at each step.
//   mpicxx -O2 halo.cpp -o halo && mpirun -n 4 ./halo [N]
// Shows: a grid of ranks, ghost cells, MPI_Type_vector for a column (a row is contiguous, a column
// is not), MPI_PROC_NULL beyond the edge, MPI_Sendrecv, and MPI_Allreduce. Each rank also computes
// the whole plate alone and compares: the same sums in the same order give the same bits.
#include <mpi.h>

#include <cstdio>
#include <vector>

namespace {

constexpr int kSteps = 50;

// A block of cells with a border of ghost cells; cell (0, 0) is the first real one. `row0` and
// `column0` tell where in the whole plate it lies.
struct Plate {
    int rows, columns;
    std::vector<double> cells;
    Plate(int row0, int row_end, int column0, int column_end)
        : rows(row_end - row0), columns(column_end - column0) {
        cells.resize(static_cast<std::size_t>((rows + 2) * (columns + 2)));
        for (int r = 0; r < rows; ++r)
            for (int c = 0; c < columns; ++c)
                at(r, c) = ((row0 + r) * 37 + (column0 + c) * 101) % 256;
    }
    double& at(int r, int c) { return cells.data()[(r + 1) * (columns + 2) + c + 1]; }
    // Each cell becomes the mean of its four neighbours; the ghost cells stay.
    void step() {
        std::vector<double> next = cells;
        cells.swap(next);
        const std::size_t width = static_cast<std::size_t>(columns) + 2;
        for (std::size_t r = 1; r <= static_cast<std::size_t>(rows); ++r)
            for (std::size_t i = r * width + 1; i < (r + 1) * width - 1; ++i)
                cells[i] = 0.25 * (next[i - width] + next[i + width] + next[i - 1] + next[i + 1]);
    }
};

// Sends `from` to one neighbour and receives the ghost cells `into` from the opposite one.
void shift(double* from, int to_rank, double* into, int from_rank, int count, MPI_Datatype type) {
    MPI_Sendrecv(from, count, type, to_rank, 0, into, count, type, from_rank, 0, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE);
}

}  // namespace

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int rank = 0, size = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    int grid_rows = 1;  // the most square grid of ranks: grid_rows * grid_columns == size
    for (int d = 1; d * d <= size; ++d)
        if (size % d == 0) grid_rows = d;
    const int grid_columns = size / grid_rows;
    int n = 120;  // the plate has n x n cells
    char extra = 0;
    const bool parsed = argc < 2 || (argc == 2 && std::sscanf(argv[1], "%d%c", &n, &extra) == 1);
    if (!parsed || n < grid_columns || n > 4096) {
        if (rank == 0)
            std::fprintf(stderr, "usage: mpirun -n RANKS halo [N], N %d to 4096\n", grid_columns);
        MPI_Finalize();
        return 2;
    }
    // My place in the grid of ranks, my piece of the plate, my neighbours.
    const int gr = rank / grid_columns, gc = rank % grid_columns;
    const int row0 = n * gr / grid_rows, column0 = n * gc / grid_columns;
    Plate mine(row0, n * (gr + 1) / grid_rows, column0, n * (gc + 1) / grid_columns);
    const int rows = mine.rows, columns = mine.columns;
    const int up = gr > 0 ? rank - grid_columns : MPI_PROC_NULL;
    const int down = gr < grid_rows - 1 ? rank + grid_columns : MPI_PROC_NULL;
    const int left = gc > 0 ? rank - 1 : MPI_PROC_NULL;
    const int right = gc < grid_columns - 1 ? rank + 1 : MPI_PROC_NULL;

    MPI_Datatype column;  // `rows` blocks of one cell each, a whole row (with ghosts) apart
    MPI_Type_vector(rows, 1, columns + 2, MPI_DOUBLE, &column);
    MPI_Type_commit(&column);
    for (int s = 0; s < kSteps; ++s) {
        shift(&mine.at(0, 0), up, &mine.at(rows, 0), down, columns, MPI_DOUBLE);
        shift(&mine.at(rows - 1, 0), down, &mine.at(-1, 0), up, columns, MPI_DOUBLE);
        shift(&mine.at(0, 0), left, &mine.at(0, columns), right, 1, column);
        shift(&mine.at(0, columns - 1), right, &mine.at(0, -1), left, 1, column);
        mine.step();
    }
    MPI_Type_free(&column);

    Plate whole(0, n, 0, n);  // the check: the same plate alone
    for (int s = 0; s < kSteps; ++s) whole.step();
    int wrong = 0, all_wrong = 0;
    for (int r = 0; r < rows; ++r)
        for (int c = 0; c < columns; ++c) wrong += mine.at(r, c) != whole.at(row0 + r, column0 + c);
    MPI_Allreduce(&wrong, &all_wrong, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    if (rank == 0)
        std::printf("halo: %d x %d cells on %d x %d ranks, %d steps, %d cells wrong\n", n, n,
                    grid_rows, grid_columns, kSteps, all_wrong);
    MPI_Finalize();
    return all_wrong == 0 ? 0 : 1;
}
