// Cost of matching: an 8-byte ping-pong, one way, while `entries` other messages or receives that
// do not match are queued on both sides. Every one of them is older than what the ping-pong uses.
//
//   posted           that many receives are posted, for other tags
//   posted_any       the same, each with MPI_ANY_SOURCE
//   unexpected       that many messages have arrived and nobody receives them
//   unexpected_any   the same; the ping-pong itself receives from MPI_ANY_SOURCE
//   drain_reverse    no ping-pong: the queued messages are received, the last first; per message
#include "bench.hpp"

namespace {

constexpr int kPingTag = 1;
constexpr int kReadyTag = 2;
constexpr int kFirstTag = 10;  // of the queued entries, each with a tag of its own

class Matching {
  public:
    explicit Matching(const bench::Bench& bench) : bench_(bench), peer_(1 - bench.rank()) {}

    void run(const std::string& kind, int entries) {
        if (!bench_.wants(kind)) return;
        const bool posted = kind.rfind("posted", 0) == 0;
        const bool any = kind.find("_any") != std::string::npos;
        bench::Sample sample{};
        if (kind == "drain_reverse") {
            sample = drain_reverse(entries);
        } else if (posted) {
            post(entries, any);
            sample = ping_pong(peer_);
            send_entries(entries);
            MPI_Waitall(entries, requests_.data(), MPI_STATUSES_IGNORE);
            check_entries(entries);
        } else {
            queue_unexpected(entries);
            sample = ping_pong(any ? MPI_ANY_SOURCE : peer_);
            for (int i = 0; i < entries; ++i) receive_entry(i);
            check_entries(entries);
        }
        bench_.print_time("matching", "kind=" + kind + " entries=" + std::to_string(entries),
                          sample);
    }

  private:
    void post(int entries, bool any) {
        requests_.resize(static_cast<std::size_t>(entries));
        values_.assign(static_cast<std::size_t>(entries), -1);
        for (int i = 0; i < entries; ++i) {
            const auto slot = static_cast<std::size_t>(i);
            MPI_Irecv(&values_[slot], 1, MPI_DOUBLE, any ? MPI_ANY_SOURCE : peer_, kFirstTag + i,
                      MPI_COMM_WORLD, &requests_[slot]);
        }
        MPI_Barrier(MPI_COMM_WORLD);
    }

    void send_entry(int i) const {
        const double value = i;
        MPI_Send(&value, 1, MPI_DOUBLE, peer_, kFirstTag + i, MPI_COMM_WORLD);
    }
    void receive_entry(int i) {
        MPI_Recv(&values_[static_cast<std::size_t>(i)], 1, MPI_DOUBLE, peer_, kFirstTag + i,
                 MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }

    // Both sides have receives posted, or one of them is inside a receive: it cannot deadlock.
    void send_entries(int entries) const {
        for (int i = 0; i < entries; ++i) send_entry(i);
    }

    // Messages of one rank arrive in order: once the ready message is received, all are queued.
    // One side sends while the other waits inside MPI, then they change places.
    void queue_unexpected(int entries) {
        values_.assign(static_cast<std::size_t>(entries), -1);
        for (const int sender : {0, 1}) {
            if (bench_.rank() == sender) {
                send_entries(entries);
                MPI_Send(nullptr, 0, MPI_BYTE, peer_, kReadyTag, MPI_COMM_WORLD);
            } else {
                MPI_Recv(nullptr, 0, MPI_BYTE, peer_, kReadyTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            }
        }
    }

    void check_entries(int entries) const {
        for (int i = 0; i < entries; ++i) {
            if (values_[static_cast<std::size_t>(i)] != i) bench_.check(false, "matching");
        }
    }

    bench::Sample ping_pong(int source) const {
        const double out = 1;
        double in = 0;
        bench::Sample sample = bench_.measure([&](long iterations) {
            for (long i = 0; i < iterations; ++i) {
                if (bench_.rank() == 0) {
                    MPI_Send(&out, 1, MPI_DOUBLE, peer_, kPingTag, MPI_COMM_WORLD);
                }
                MPI_Recv(&in, 1, MPI_DOUBLE, source, kPingTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
                if (bench_.rank() == 1) {
                    MPI_Send(&out, 1, MPI_DOUBLE, peer_, kPingTag, MPI_COMM_WORLD);
                }
            }
        });
        bench_.check(in == 1, "matching");
        sample.min_us /= 2;
        sample.median_us /= 2;
        return sample;
    }

    // Times the receives alone, on the slower rank, a few times over.
    bench::Sample drain_reverse(int entries) {
        std::vector<double> times_us;
        double spent_s = 0;
        while (times_us.size() < 5 && spent_s < bench_.options().cap_s) {
            queue_unexpected(entries);
            const double start_s = bench::now_s();
            for (int i = entries - 1; i >= 0; --i) receive_entry(i);
            const double mine_s = bench::now_s() - start_s;
            check_entries(entries);
            double slowest_s = 0;
            MPI_Allreduce(&mine_s, &slowest_s, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
            spent_s += slowest_s;
            times_us.push_back(slowest_s * 1e6 / entries);
        }
        std::sort(times_us.begin(), times_us.end());
        return {times_us.front(), times_us[times_us.size() / 2], static_cast<int>(times_us.size())};
    }

    const bench::Bench& bench_;
    int peer_;
    std::vector<MPI_Request> requests_;
    std::vector<double> values_;
};

}  // namespace

int main(int argc, char** argv) {
    bench::Bench bench(argc, argv);
    bench.require_ranks(2);
    Matching matching(bench);
    for (const char* kind :
         {"posted", "posted_any", "unexpected", "unexpected_any", "drain_reverse"}) {
        for (const int entries : {1, 100, 10000}) {
            if (bench.options().smoke && entries > 100) continue;
            matching.run(kind, entries);
        }
    }
    return 0;
}
