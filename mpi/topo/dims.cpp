// MPI_Dims_create (MPI-5.0 §8.5.2).
#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include "mpi/comm/create.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {
namespace {

/// Finds n = f1 · f2 · … · fk, f1 ≥ f2 ≥ …, with the smallest possible f1, of these with the
/// smallest f2, and so on.
class Factors {
  public:
    explicit Factors(int n) {
        for (int d = 1; static_cast<long long>(d) * d <= n; ++d) {
            if (n % d != 0) continue;
            divisors_.push_back(d);
            if (n / d != d) divisors_.push_back(n / d);
        }
        std::sort(divisors_.begin(), divisors_.end());
    }

    /// Appends `k` factors of at most `limit` each; false when there are none.
    bool find(int n, int k, int limit, std::vector<int>& factors) {
        if (k == 0) return n == 1;
        if (hopeless_.count({n, k, limit}) != 0) return false;
        for (const int d : divisors_) {
            if (d > limit) break;
            if (n % d != 0 || !reaches(d, k, n)) continue;
            factors.push_back(d);
            if (find(n / d, k - 1, d, factors)) return true;
            factors.pop_back();
        }
        hopeless_.emplace(n, k, limit);
        return false;
    }

  private:
    /// d to the power of k is n at least.
    static bool reaches(int d, int k, int n) {
        long long power = 1;
        for (int i = 0; i < k && power < n && d > 1; ++i) power *= d;
        return power >= n;
    }

    std::vector<int> divisors_;
    std::set<std::tuple<int, int, int>> hopeless_;
};

}  // namespace

Status dims_create(int nnodes, int ndims, int* dims) {
    if (nnodes <= 0) return fail(Status::arg, "nnodes is %d, must be at least 1", nnodes);
    int rest = nnodes, open = 0;
    for (int d = 0; d < ndims; ++d) {
        if (dims[d] < 0) {
            return fail(Status::dims, "dims[%d] is %d, must be at least 0", d, dims[d]);
        }
        if (dims[d] == 0) {
            ++open;
        } else if (rest % dims[d] == 0) {
            rest /= dims[d];
        } else {
            return fail(Status::dims, "nnodes is %d, no multiple of the dimensions given", nnodes);
        }
    }
    if (open == 0 && rest != 1 && ndims > 0) {
        return fail(Status::dims, "all dimensions are given, but their product is not nnodes, %d",
                    nnodes);
    }
    return with_memory_for_comm([&] {
        std::vector<int> factors;
        // A number below 2^31 has at most 30 factors greater than 1.
        constexpr int kMost = 31;
        if (open > 0) Factors(rest).find(rest, std::min(open, kMost), rest, factors);
        factors.resize(static_cast<std::size_t>(open), 1);
        for (int d = 0, next = 0; d < ndims; ++d) {
            if (dims[d] == 0) dims[d] = factors[static_cast<std::size_t>(next++)];
        }
        return Status::ok;
    });
}

}  // namespace mpi
