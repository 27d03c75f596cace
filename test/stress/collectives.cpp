// Random sequences of collective calls, the same on all ranks, with every result computed again
// locally: what one call leaves behind (slots, flags, scratch memory) must not show in the next.
//
//     collectives [seed] [number of calls] [largest block in elements]
//
// Communicators differ in order and members and take turns; element values depend on the call, the
// rank and the place, so a stale or misplaced element is seen.
#include <mpi.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

namespace {

using Element = std::int64_t;
constexpr Element kPrime = 1000003;

/// Composition of affine maps x -> a x + b modulo a prime, both packed into one element:
/// associative and not commutative.
Element compose(Element f, Element g) {  // g after f
    const Element a = f / kPrime, b = f % kPrime, c = g / kPrime, d = g % kPrime;
    return (a * c % kPrime) * kPrime + (b * c + d) % kPrime;
}
void compose_all(void* in, void* inout, int* n, MPI_Datatype*) {
    auto* x = static_cast<Element*>(in);
    auto* y = static_cast<Element*>(inout);
    for (int i = 0; i < *n; ++i) y[i] = compose(x[i], y[i]);
}

/// A pseudo-random element below kPrime^2.
Element value(std::uint64_t call, int rank, std::uint64_t place) {
    std::uint64_t x =
        call * 0x9e3779b97f4a7c15ULL ^ (static_cast<std::uint64_t>(rank) << 40) ^ place;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<Element>((x ^ (x >> 31)) % static_cast<std::uint64_t>(kPrime * kPrime));
}

struct World {
    MPI_Comm comm;
    int rank, size;
};

[[noreturn]] void wrong(const char* what, const World& w, std::uint64_t call, std::size_t i,
                        Element got, Element want) {
    std::fprintf(stderr, "call %llu %s: rank %d of %d, element %zu: %lld, not %lld\n",
                 static_cast<unsigned long long>(call), what, w.rank, w.size, i,
                 static_cast<long long>(got), static_cast<long long>(want));
    MPI_Abort(MPI_COMM_WORLD, 1);
    std::abort();
}

class Mix {
  public:
    Mix(unsigned seed, std::size_t most) : random_(seed), most_(most) {
        MPI_Op_create(compose_all, 0, &compose_);
        add(MPI_COMM_WORLD);
        int rank, size;
        MPI_Comm_rank(MPI_COMM_WORLD, &rank);
        MPI_Comm_size(MPI_COMM_WORLD, &size);
        MPI_Comm c;
        MPI_Comm_split(MPI_COMM_WORLD, 0, size - rank, &c);
        add(c);
        MPI_Comm_split(MPI_COMM_WORLD, rank % 2, (rank * 5) % (size + 1), &c);
        add(c);
        // A pair of elements with a gap between: for one side of the data movements.
        MPI_Type_vector(2, 1, 2, MPI_INT64_T, &gap_);
        MPI_Type_commit(&gap_);
    }

    void run(std::uint64_t calls) {
        for (call_ = 1; call_ <= calls; ++call_) {
            if (pick(40) == 0) refresh();
            const World& w = worlds_[pick(worlds_.size())];
            const std::uint64_t kind = pick(14), repeat = 1 + (pick(4) == 0 ? pick(20) : 0);
            n_ = length();
            root_seed_ = pick(1 << 20);
            in_place_ = pick(3) == 0;
            derived_ = pick(4) == 0;
            noncommutative_ = pick(2) == 0;
            for (std::uint64_t i = 0; i < repeat; ++i, ++root_seed_) {
                root_ = static_cast<int>(root_seed_ % static_cast<std::uint64_t>(w.size));
                one(kind, w);
                ++serial_;
            }
        }
    }
    ~Mix() {
        for (std::size_t i = 1; i < worlds_.size(); ++i) MPI_Comm_free(&worlds_[i].comm);
        MPI_Type_free(&gap_);
        MPI_Op_free(&compose_);
    }

  private:
    std::uint64_t pick(std::uint64_t n) { return random_() % n; }
    std::size_t length() {
        switch (pick(8)) {
            case 0: return 1;
            case 1: return pick(8);
            case 2: return pick(most_ + 1);
            case 3: return pick(most_ / 8 + 1);
            case 4: return 1024 + pick(3) - 1;
            default: return pick(200);
        }
    }
    void add(MPI_Comm c) {
        World w{c, 0, 0};
        MPI_Comm_rank(c, &w.rank);
        MPI_Comm_size(c, &w.size);
        worlds_.push_back(w);
    }
    /// A new communicator for an old one.
    void refresh() {
        World& old = worlds_.back();
        MPI_Comm c;
        if (pick(2) == 0) {
            MPI_Comm_dup(worlds_[pick(2)].comm, &c);
        } else {
            const World& w = worlds_[pick(2)];
            MPI_Comm_split(w.comm, w.rank % (1 + static_cast<int>(pick(3))), w.rank * 7 % 5, &c);
        }
        MPI_Comm_free(&old.comm);
        worlds_.pop_back();
        add(c);
    }

    Element v(int rank, std::size_t i) const { return value(serial_, rank, i); }
    std::vector<Element> filled(int rank, std::size_t n) const {
        std::vector<Element> x(n);
        for (std::size_t i = 0; i < n; ++i) x[i] = v(rank, i);
        return x;
    }
    Element combine(Element a, Element b) const {
        return noncommutative_ ? compose(a, b)
                               : static_cast<Element>(static_cast<std::uint64_t>(a) +
                                                      static_cast<std::uint64_t>(b));
    }
    Element reduced(int first, int last, std::size_t i) const {
        Element x = v(first, i);
        for (int r = first + 1; r <= last; ++r) x = combine(x, v(r, i));
        return x;
    }
    MPI_Op op() const { return noncommutative_ ? compose_ : MPI_SUM; }
    void expect(const char* what, const World& w, std::size_t i, Element got, Element want) const {
        if (got != want) wrong(what, w, serial_, i, got, want);
    }

    void one(std::uint64_t kind, const World& w) {
        switch (kind) {
            case 0: return (void)MPI_Barrier(w.comm);
            case 1: return bcast(w);
            case 2: return gather(w);
            case 3: return gatherv(w);
            case 4: return scatter(w);
            case 5: return scatterv(w);
            case 6: return allgather(w);
            case 7: return allgatherv(w);
            case 8: return alltoall(w);
            case 9: return alltoallv(w);
            case 10: return reduce(w);
            case 11: return allreduce(w);
            case 12: return reduce_scatter(w);
            default: return scan(w);
        }
    }

    void bcast(const World& w) {
        // Pairs with a gap on odd ranks, plain elements on the even ones.
        const std::size_t pairs = n_ / 2;
        if (derived_ && w.rank % 2 == 1) {
            std::vector<Element> x(pairs * 3 + 1, -1);
            for (std::size_t i = 0; i < pairs; ++i) {
                // The extent of gap_ is three elements.
                if (w.rank == root_) x[3 * i] = v(root_, 2 * i), x[3 * i + 2] = v(root_, 2 * i + 1);
            }
            MPI_Bcast(x.data(), static_cast<int>(pairs), gap_, root_, w.comm);
            for (std::size_t i = 0; i < pairs; ++i) {
                expect("bcast", w, 3 * i, x[3 * i], v(root_, 2 * i));
                expect("bcast", w, 3 * i + 1, x[3 * i + 1], -1);
                expect("bcast", w, 3 * i + 2, x[3 * i + 2], v(root_, 2 * i + 1));
            }
            return;
        }
        std::vector<Element> x(2 * pairs, -1);
        if (w.rank == root_) x = filled(root_, 2 * pairs);
        MPI_Bcast(x.data(), static_cast<int>(2 * pairs), MPI_INT64_T, root_, w.comm);
        for (std::size_t i = 0; i < x.size(); ++i) expect("bcast", w, i, x[i], v(root_, i));
    }

    std::size_t small(const World& w) const {
        return n_ / static_cast<std::size_t>(w.size) + (n_ > 0);
    }

    void gather(const World& w) {
        const std::size_t n = small(w), p = static_cast<std::size_t>(w.size);
        std::vector<Element> in = filled(w.rank, n), out(w.rank == root_ ? n * p : 0, -1);
        const void* send = in.data();
        if (in_place_ && w.rank == root_) {
            std::copy(in.begin(), in.end(),
                      out.begin() + static_cast<long>(n * static_cast<std::size_t>(w.rank)));
            send = MPI_IN_PLACE;
        }
        MPI_Gather(send, static_cast<int>(n), MPI_INT64_T, out.data(), static_cast<int>(n),
                   MPI_INT64_T, root_, w.comm);
        for (std::size_t i = 0; i < out.size(); ++i) {
            expect("gather", w, i, out[i], v(static_cast<int>(i / n), i % n));
        }
    }
    void scatter(const World& w) {
        const std::size_t n = small(w), p = static_cast<std::size_t>(w.size);
        std::vector<Element> in = w.rank == root_ ? filled(root_, n * p) : std::vector<Element>();
        std::vector<Element> out(n, -1);
        void* recv = in_place_ && w.rank == root_ ? MPI_IN_PLACE : out.data();
        MPI_Scatter(in.data(), static_cast<int>(n), MPI_INT64_T, recv, static_cast<int>(n),
                    MPI_INT64_T, root_, w.comm);
        if (recv == MPI_IN_PLACE) return;
        for (std::size_t i = 0; i < n; ++i) {
            expect("scatter", w, i, out[i], v(root_, n * static_cast<std::size_t>(w.rank) + i));
        }
    }

    // Uneven blocks: rank r's has lengths_[r] elements; displacements leave a gap of one between.
    void uneven(const World& w) {
        const std::size_t n = small(w);
        lengths_.clear();
        places_.clear();
        int at = 1;
        for (int r = 0; r < w.size; ++r) {
            lengths_.push_back(
                static_cast<int>(value(serial_, r, 77) % static_cast<Element>(n + 1)));
            places_.push_back(at);
            at += lengths_.back() + 1;
        }
        span_ = static_cast<std::size_t>(at);
    }
    std::size_t len(int r) const {
        return static_cast<std::size_t>(lengths_[static_cast<std::size_t>(r)]);
    }
    std::size_t place(int r) const {
        return static_cast<std::size_t>(places_[static_cast<std::size_t>(r)]);
    }

    void check_uneven(const char* what, const World& w, const std::vector<Element>& out) {
        for (int r = 0; r < w.size; ++r) {
            for (std::size_t i = 0; i < len(r); ++i)
                expect(what, w, place(r) + i, out[place(r) + i], v(r, i));
            expect(what, w, place(r) - 1, out[place(r) - 1], -1);
        }
    }
    void gatherv(const World& w) {
        uneven(w);
        std::vector<Element> in = filled(w.rank, len(w.rank)), out(w.rank == root_ ? span_ : 0, -1);
        const void* send = in.data();
        if (in_place_ && w.rank == root_) {
            std::copy(in.begin(), in.end(), out.begin() + static_cast<long>(place(w.rank)));
            send = MPI_IN_PLACE;
        }
        MPI_Gatherv(send, lengths_[static_cast<std::size_t>(w.rank)], MPI_INT64_T, out.data(),
                    lengths_.data(), places_.data(), MPI_INT64_T, root_, w.comm);
        if (w.rank == root_) check_uneven("gatherv", w, out);
    }
    void scatterv(const World& w) {
        uneven(w);
        std::vector<Element> in = filled(root_, span_), out(len(w.rank) + 1, -1);
        void* recv = in_place_ && w.rank == root_ ? MPI_IN_PLACE : out.data();
        MPI_Scatterv(in.data(), lengths_.data(), places_.data(), MPI_INT64_T, recv,
                     lengths_[static_cast<std::size_t>(w.rank)], MPI_INT64_T, root_, w.comm);
        if (recv == MPI_IN_PLACE) return;
        for (std::size_t i = 0; i < len(w.rank); ++i) {
            expect("scatterv", w, i, out[i], v(root_, place(w.rank) + i));
        }
    }
    void allgather(const World& w) {
        const std::size_t n = small(w), p = static_cast<std::size_t>(w.size);
        std::vector<Element> in = filled(w.rank, n), out(n * p, -1);
        const void* send = in.data();
        if (in_place_) {
            std::copy(in.begin(), in.end(),
                      out.begin() + static_cast<long>(n * static_cast<std::size_t>(w.rank)));
            send = MPI_IN_PLACE;
        }
        MPI_Allgather(send, static_cast<int>(n), MPI_INT64_T, out.data(), static_cast<int>(n),
                      MPI_INT64_T, w.comm);
        for (std::size_t i = 0; i < out.size(); ++i) {
            expect("allgather", w, i, out[i], v(static_cast<int>(i / n), i % n));
        }
    }
    void allgatherv(const World& w) {
        uneven(w);
        std::vector<Element> in = filled(w.rank, len(w.rank)), out(span_, -1);
        const void* send = in.data();
        if (in_place_) {
            std::copy(in.begin(), in.end(), out.begin() + static_cast<long>(place(w.rank)));
            send = MPI_IN_PLACE;
        }
        MPI_Allgatherv(send, lengths_[static_cast<std::size_t>(w.rank)], MPI_INT64_T, out.data(),
                       lengths_.data(), places_.data(), MPI_INT64_T, w.comm);
        check_uneven("allgatherv", w, out);
    }
    void alltoall(const World& w) {
        const std::size_t n = small(w), p = static_cast<std::size_t>(w.size);
        std::vector<Element> in = filled(w.rank, n * p), out(n * p, -1);
        if (in_place_) out = in;
        MPI_Alltoall(in_place_ ? MPI_IN_PLACE : in.data(), static_cast<int>(n), MPI_INT64_T,
                     out.data(), static_cast<int>(n), MPI_INT64_T, w.comm);
        for (std::size_t i = 0; i < out.size(); ++i) {
            expect("alltoall", w, i, out[i],
                   v(static_cast<int>(i / n), n * static_cast<std::size_t>(w.rank) + i % n));
        }
    }
    void alltoallv(const World& w) {
        // Rank r sends rank s (r + s + serial) % m elements, so that in place fits too.
        const std::size_t m = small(w) + 1;
        std::vector<int> counts, places;
        int at = 0;
        for (int s = 0; s < w.size; ++s) {
            counts.push_back(
                static_cast<int>((static_cast<std::size_t>(w.rank + s) + serial_) % m));
            places.push_back(at);
            at += counts.back() + 1;
        }
        const auto total = static_cast<std::size_t>(at);
        std::vector<Element> in(total, -5), out(total, -1);
        const auto element = [&](int from, int to, std::size_t i) {
            return v(from, static_cast<std::size_t>(to) * 1000000 + i);
        };
        for (int s = 0; s < w.size; ++s) {
            for (int i = 0; i < counts[static_cast<std::size_t>(s)]; ++i) {
                in[static_cast<std::size_t>(places[static_cast<std::size_t>(s)] + i)] =
                    element(w.rank, s, static_cast<std::size_t>(i));
            }
        }
        if (in_place_) out = in;
        MPI_Alltoallv(in_place_ ? MPI_IN_PLACE : in.data(), counts.data(), places.data(),
                      MPI_INT64_T, out.data(), counts.data(), places.data(), MPI_INT64_T, w.comm);
        for (int s = 0; s < w.size; ++s) {
            for (int i = 0; i < counts[static_cast<std::size_t>(s)]; ++i) {
                const auto k = static_cast<std::size_t>(places[static_cast<std::size_t>(s)] + i);
                expect("alltoallv", w, k, out[k], element(s, w.rank, static_cast<std::size_t>(i)));
            }
        }
    }
    void reduce(const World& w) {
        std::vector<Element> in = filled(w.rank, n_), out(n_, -1);
        const bool here = in_place_ && w.rank == root_;
        if (here) out = in;
        MPI_Reduce(here ? MPI_IN_PLACE : in.data(), out.data(), static_cast<int>(n_), MPI_INT64_T,
                   op(), root_, w.comm);
        if (w.rank != root_) return;
        for (std::size_t i = 0; i < n_; ++i)
            expect("reduce", w, i, out[i], reduced(0, w.size - 1, i));
    }
    void allreduce(const World& w) {
        std::vector<Element> in = filled(w.rank, n_), out(n_, -1);
        if (in_place_) out = in;
        MPI_Allreduce(in_place_ ? MPI_IN_PLACE : in.data(), out.data(), static_cast<int>(n_),
                      MPI_INT64_T, op(), w.comm);
        for (std::size_t i = 0; i < n_; ++i)
            expect("allreduce", w, i, out[i], reduced(0, w.size - 1, i));
    }
    void reduce_scatter(const World& w) {
        uneven(w);
        std::size_t total = 0, before = 0;
        for (int r = 0; r < w.size; ++r) {
            if (r < w.rank) before += len(r);
            total += len(r);
        }
        std::vector<Element> in = filled(w.rank, total), out(total, -1);
        if (in_place_) out = in;
        MPI_Reduce_scatter(in_place_ ? MPI_IN_PLACE : in.data(), out.data(), lengths_.data(),
                           MPI_INT64_T, op(), w.comm);
        for (std::size_t i = 0; i < len(w.rank); ++i) {
            expect("reduce_scatter", w, i, out[i], reduced(0, w.size - 1, before + i));
        }
    }
    void scan(const World& w) {
        std::vector<Element> in = filled(w.rank, n_), out(n_, -1);
        if (in_place_) out = in;
        MPI_Scan(in_place_ ? MPI_IN_PLACE : in.data(), out.data(), static_cast<int>(n_),
                 MPI_INT64_T, op(), w.comm);
        for (std::size_t i = 0; i < n_; ++i) expect("scan", w, i, out[i], reduced(0, w.rank, i));
    }

    std::mt19937_64 random_;
    std::size_t most_;
    MPI_Op compose_;
    MPI_Datatype gap_;
    std::vector<World> worlds_;
    std::uint64_t call_ = 0, serial_ = 1, root_seed_ = 0;
    std::size_t n_ = 0, span_ = 0;
    int root_ = 0;
    bool in_place_ = false, derived_ = false, noncommutative_ = false;
    std::vector<int> lengths_, places_;
};

}  // namespace

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    const auto number = [&](int i, unsigned long usual) {
        return argc > i ? std::strtoul(argv[i], nullptr, 10) : usual;
    };
    {
        Mix mix(static_cast<unsigned>(number(1, 1)), number(3, 20000));
        mix.run(number(2, 500));
    }
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Finalize();
    if (rank == 0) std::puts("ok");
}
