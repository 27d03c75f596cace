// MPI_Dims_create (MPI-5.0 §8.5.2).
#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include "mpi/comm/create.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {
namespace {

/// Factorizations n = f1 · f2 · … · fk, f1 ≥ f2 ≥ … ≥ fk.
class Factors {
  public:
    explicit Factors(int n) : n_(n) {
        for (int d = 1; static_cast<long long>(d) * d <= n; ++d) {
            if (n % d != 0) continue;
            divisors_.push_back(d);
            if (n / d != d) divisors_.push_back(n / d);
        }
        std::sort(divisors_.begin(), divisors_.end());
    }

    /// The one with the smallest difference between f1 and fk; of these the one with the greatest
    /// fk, of these with the greatest fk-1, and so on.
    std::vector<int> closest(int k) {
        std::vector<int> best;
        for (const int first : divisors_) {
            if (!reaches(first, k, n_)) continue;
            for (auto last = divisors_.rbegin(); last != divisors_.rend(); ++last) {
                if (*last > first || (*last > 1 && !fits(*last, k, n_))) continue;
                const int spread = first - *last;
                if (!best.empty() &&
                    (spread > best.front() - best.back() ||
                     (spread == best.front() - best.back() && *last <= best.back()))) {
                    break;
                }
                if (k == 1) {
                    if (first == n_ && *last == n_) best = {n_};
                    break;
                }
                if (n_ / first % *last != 0) continue;
                std::vector<int> found{*last};
                if (!find(n_ / first / *last, k - 2, *last, first, found)) continue;
                found.push_back(first);
                best.assign(found.rbegin(), found.rend());
                break;
            }
        }
        return best;
    }

  private:
    /// Appends `k` factors of `n` from `low` up to `limit`, the smallest as great as can be; false
    /// when there are none.
    bool find(int n, int k, int low, int limit, std::vector<int>& factors) {
        if (k == 0) return n == 1;
        if (!reaches(limit, k, n) || !fits(low, k, n)) return false;
        if (hopeless_.count({n, k, low, limit}) != 0) return false;
        for (auto d = std::upper_bound(divisors_.begin(), divisors_.end(), limit);
             d-- != divisors_.begin() && *d >= low;) {
            if (n % *d != 0 || !fits(*d, k, n)) continue;
            factors.push_back(*d);
            if (find(n / *d, k - 1, *d, limit, factors)) return true;
            factors.pop_back();
        }
        hopeless_.emplace(n, k, low, limit);
        return false;
    }

    /// d to the power of k, or some power that is greater than n.
    static long long power(int d, int k, int n) {
        long long power = 1;
        for (int i = 0; i < k && power <= n && d > 1; ++i) power *= d;
        return power;
    }
    static bool reaches(int d, int k, int n) { return power(d, k, n) >= n; }
    static bool fits(int d, int k, int n) { return power(d, k, n) <= n; }

    int n_;
    std::vector<int> divisors_;
    std::set<std::tuple<int, int, int, int>> hopeless_;
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
        if (open > 0) factors = Factors(rest).closest(std::min(open, kMost));
        factors.resize(static_cast<std::size_t>(open), 1);
        for (int d = 0, next = 0; d < ndims; ++d) {
            if (dims[d] == 0) dims[d] = factors[static_cast<std::size_t>(next++)];
        }
        return Status::ok;
    });
}

}  // namespace mpi
