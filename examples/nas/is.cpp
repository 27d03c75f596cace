// IS, integer sort: ranks N integer keys, ten times. Counting on each rank, and in each iteration
// an exchange of nearly all keys among all ranks: MPI_Allreduce of the bucket sizes, MPI_Alltoall
// of the counts, MPI_Alltoallv of the keys. It shows the bandwidth between the ranks.
//
// Specification: RNR-94-007, section 2.2.5; buckets and partial verification as in NPB 2.

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "nas.hpp"

namespace {

using Key = std::int32_t;

constexpr int kIterations = 10;
constexpr int kTestKeys = 5;

// One key whose rank is known: it stands at `index`, and after iteration i its rank is
// `rank` + `drift` * (i - `delay`), since each iteration changes two keys.
struct TestKey {
    std::int64_t index;
    std::int64_t rank;
    int drift;
    int delay;
};

struct ProblemClass {
    char name;
    int log2_keys;
    int log2_max_key;
    int log2_buckets;
    std::array<TestKey, kTestKeys> tests;
};

constexpr ProblemClass kClasses[] = {
    {'S',
     16,
     11,
     9,
     {{{48427, 0, +1, 0},
       {17148, 18, +1, 0},
       {23627, 346, +1, 0},
       {62548, 64917, -1, 0},
       {4431, 65463, -1, 0}}}},
    {'W',
     20,
     16,
     10,
     {{{357773, 1249, +1, 2},
       {934767, 11698, +1, 2},
       {875723, 1039987, -1, 0},
       {898999, 1043896, -1, 0},
       {404505, 1048018, -1, 0}}}},
    {'A',
     23,
     19,
     10,
     {{{2112377, 104, +1, 1},
       {662041, 17523, +1, 1},
       {5336171, 123928, +1, 1},
       {3642833, 8288932, -1, 1},
       {4250760, 8388264, -1, 1}}}},
    {'B',
     25,
     21,
     10,
     {{{41869, 33422937, -1, 0},
       {812306, 10244, +1, 0},
       {5102857, 59149, +1, 0},
       {18232239, 33135281, -1, 0},
       {26860214, 99, +1, 0}}}},
    {'C',
     27,
     23,
     10,
     {{{44172927, 61147, +1, 0},
       {72999161, 882988, +1, 0},
       {74326391, 266290, +1, 0},
       {129606274, 133997595, -1, 0},
       {21736814, 133525895, -1, 0}}}},
};

class IntegerSort {
  public:
    IntegerSort(const nas::Job& job, const ProblemClass& problem);

    // Ranks all keys; counts the test keys whose rank is right.
    void rank_keys(int iteration);

    // Puts this rank's keys in order by the ranks just computed and checks them, also against the
    // neighbour. Returns the number of mistakes on this rank.
    std::int64_t count_unsorted();

    void clear_passed() { passed_ = 0; }
    std::int64_t passed() const { return passed_; }
    std::int64_t keys_here() const { return keys_here_; }

  private:
    std::size_t bucket_of(Key key) const { return static_cast<std::size_t>(key >> shift_); }
    // The key at a global place, or null when another rank has it.
    Key* local_key(std::int64_t index);
    void sort_into_buckets();
    void deal_buckets();
    void exchange_keys();
    void count_keys();
    void check_test_keys(int iteration);

    nas::Job job_;
    const ProblemClass& problem_;
    nas::Blocks share_;  // which keys each rank generates
    int shift_;          // from a key to its bucket
    std::size_t buckets_;

    std::vector<Key> keys_;      // as generated
    std::vector<Key> bucketed_;  // the same, bucket by bucket
    std::vector<Key> received_;  // the keys of this rank's buckets

    // Bucket sizes, and behind them the values of the test keys: each is known to one rank only,
    // so that the sum over all ranks tells it to all.
    std::vector<std::int32_t> bucket_size_, bucket_total_;
    std::vector<std::size_t> bucket_place_;
    std::vector<int> send_count_, send_start_, receive_count_, receive_start_;

    std::int64_t keys_below_ = 0;  // how many keys the ranks before this one have
    std::int64_t keys_here_ = 0;   // how many keys this rank has
    Key first_key_ = 0;            // this rank's keys are in first_key_ .. end_key_-1
    Key end_key_ = 0;
    std::vector<std::int32_t> upto_;  // how many of this rank's keys are <= first_key_ + i
    std::int64_t passed_ = 0;
};

IntegerSort::IntegerSort(const nas::Job& job, const ProblemClass& problem)
    : job_(job),
      problem_(problem),
      share_{std::int64_t{1} << problem.log2_keys, job.ranks},
      shift_(problem.log2_max_key - problem.log2_buckets),
      buckets_(std::size_t{1} << problem.log2_buckets) {
    const auto mine = static_cast<std::size_t>(share_.size(job.rank));
    const auto ranks = static_cast<std::size_t>(job.ranks);
    keys_.resize(mine);
    bucketed_.resize(mine);
    received_.reserve(mine + mine / 2);
    bucket_size_.resize(buckets_ + kTestKeys);
    bucket_total_.resize(buckets_ + kTestKeys);
    bucket_place_.resize(buckets_);
    for (auto* v : {&send_count_, &send_start_, &receive_count_, &receive_start_}) v->resize(ranks);

    // A key is the mean of four random numbers, roughly a bell over 0 .. max_key-1.
    nas::Random random;
    random.skip(static_cast<std::uint64_t>(share_.begin(job.rank)) * 4);
    const double quarter = static_cast<double>(1 << problem.log2_max_key) / 4;
    for (Key& key : keys_) {
        double sum = random.next();
        for (int i = 1; i < 4; ++i) sum += random.next();
        key = static_cast<Key>(quarter * sum);
    }
}

Key* IntegerSort::local_key(std::int64_t index) {
    const std::int64_t begin = share_.begin(job_.rank);
    if (index < begin || index >= begin + share_.size(job_.rank)) return nullptr;
    return &keys_[static_cast<std::size_t>(index - begin)];
}

void IntegerSort::sort_into_buckets() {
    std::fill(bucket_size_.begin(), bucket_size_.end(), 0);
    for (std::size_t t = 0; t < kTestKeys; ++t)
        if (const Key* key = local_key(problem_.tests[t].index)) bucket_size_[buckets_ + t] = *key;

    for (const Key key : keys_) ++bucket_size_[bucket_of(key)];
    std::size_t place = 0;
    for (std::size_t b = 0; b < buckets_; ++b) {
        bucket_place_[b] = place;
        place += static_cast<std::size_t>(bucket_size_[b]);
    }
    for (const Key key : keys_) bucketed_[bucket_place_[bucket_of(key)]++] = key;
}

// Deals whole buckets to the ranks, in order, so that each gets about its share of all keys: a
// bucket goes to the rank in whose share its first key falls. Some ranks may get none.
void IntegerSort::deal_buckets() {
    std::fill(send_count_.begin(), send_count_.end(), 0);
    keys_below_ = keys_here_ = 0;
    std::size_t first_bucket = buckets_;
    std::size_t end_bucket = buckets_;
    std::int64_t before = 0;
    for (std::size_t b = 0; b < buckets_; ++b) {
        const std::int64_t total = bucket_total_[b];
        const auto owner =
            std::min(static_cast<int>(before * job_.ranks / share_.n), job_.ranks - 1);
        send_count_[static_cast<std::size_t>(owner)] += bucket_size_[b];
        if (owner < job_.rank) keys_below_ += total;
        if (owner == job_.rank) {
            first_bucket = std::min(first_bucket, b);
            end_bucket = b + 1;
            keys_here_ += total;
        }
        before += total;
    }
    first_key_ = static_cast<Key>(first_bucket << shift_);
    end_key_ = static_cast<Key>(end_bucket << shift_);
}

void IntegerSort::exchange_keys() {
    MPI_Alltoall(send_count_.data(), 1, MPI_INT, receive_count_.data(), 1, MPI_INT, MPI_COMM_WORLD);
    int sent = 0;
    int received = 0;
    for (std::size_t r = 0; r < send_count_.size(); ++r) {
        send_start_[r] = sent;
        receive_start_[r] = received;
        sent += send_count_[r];
        received += receive_count_[r];
    }
    if (received_.size() < static_cast<std::size_t>(received))
        received_.resize(static_cast<std::size_t>(received));
    MPI_Alltoallv(bucketed_.data(), send_count_.data(), send_start_.data(), MPI_INT32_T,
                  received_.data(), receive_count_.data(), receive_start_.data(), MPI_INT32_T,
                  MPI_COMM_WORLD);
}

void IntegerSort::count_keys() {
    upto_.assign(static_cast<std::size_t>(end_key_ - first_key_), 0);
    std::int32_t* const count = upto_.data();
    const Key first = first_key_;
    const Key* const end = received_.data() + keys_here_;
    for (const Key* key = received_.data(); key != end; ++key) ++count[*key - first];
    std::int32_t sum = 0;
    for (std::int32_t& c : upto_) c = sum += c;
}

void IntegerSort::check_test_keys(int iteration) {
    for (std::size_t t = 0; t < kTestKeys; ++t) {
        const Key key = bucket_total_[buckets_ + t];
        if (key < first_key_ || key >= end_key_) continue;
        const std::int64_t lesser_here =
            key == first_key_ ? 0 : upto_[static_cast<std::size_t>(key - first_key_ - 1)];
        const TestKey& test = problem_.tests[t];
        const std::int64_t expected = test.rank + test.drift * (iteration - test.delay);
        if (keys_below_ + lesser_here == expected)
            ++passed_;
        else
            std::printf(" IS: iteration %d: test key %d has rank %lld, expected %lld\n", iteration,
                        static_cast<int>(t), static_cast<long long>(keys_below_ + lesser_here),
                        static_cast<long long>(expected));
    }
}

void IntegerSort::rank_keys(int iteration) {
    const Key max_key = static_cast<Key>(1 << problem_.log2_max_key);
    if (Key* key = local_key(iteration)) *key = iteration;
    if (Key* key = local_key(iteration + kIterations)) *key = max_key - iteration;

    sort_into_buckets();
    MPI_Allreduce(bucket_size_.data(), bucket_total_.data(), static_cast<int>(bucket_size_.size()),
                  MPI_INT32_T, MPI_SUM, MPI_COMM_WORLD);
    deal_buckets();
    exchange_keys();
    count_keys();
    check_test_keys(iteration);
}

std::int64_t IntegerSort::count_unsorted() {
    std::vector<Key> sorted(static_cast<std::size_t>(keys_here_), -1);
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        const Key key = received_[i];
        sorted[static_cast<std::size_t>(--upto_[static_cast<std::size_t>(key - first_key_)])] = key;
    }
    // The greatest key so far travels from rank to rank (a rank without keys hands it on).
    Key greatest = -1;
    if (job_.rank > 0)
        MPI_Recv(&greatest, 1, MPI_INT32_T, job_.rank - 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    std::int64_t mistakes = 0;
    for (const Key key : sorted) {
        if (key < greatest) ++mistakes;
        greatest = std::max(greatest, key);
    }
    if (job_.rank < job_.ranks - 1)
        MPI_Send(&greatest, 1, MPI_INT32_T, job_.rank + 1, 0, MPI_COMM_WORLD);
    return mistakes;
}

nas::Result run(const nas::Job& job) {
    const ProblemClass& problem = nas::find_class(kClasses, job.problem_class);
    IntegerSort sort(job, problem);
    sort.rank_keys(1);  // once untimed, to touch all memory
    sort.clear_passed();

    MPI_Barrier(MPI_COMM_WORLD);
    const nas::Timer timer;
    for (int iteration = 1; iteration <= kIterations; ++iteration) sort.rank_keys(iteration);
    nas::Result result;
    result.seconds = timer.seconds();

    // Tests passed, keys out of order, keys held: summed over all ranks.
    const std::int64_t keys = std::int64_t{1} << problem.log2_keys;
    std::int64_t mine[3] = {sort.passed(), sort.count_unsorted(), sort.keys_here()};
    std::int64_t all[3] = {};
    MPI_Allreduce(mine, all, 3, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    if (job.root())
        std::printf(" Test keys right = %lld of %d, keys out of order %lld\n",
                    static_cast<long long>(all[0]), kTestKeys * kIterations,
                    static_cast<long long>(all[1]));
    result.size = std::to_string(keys);
    result.iterations = kIterations;
    result.operations = static_cast<double>(keys) * kIterations;
    result.operation = "keys ranked";
    result.verified = all[0] == kTestKeys * kIterations && all[1] == 0 && all[2] == keys;
    return result;
}

bool any_number(char, int) {
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    return nas::run_program(
        argc, argv,
        {"IS", "integer sort, all-to-all exchange of keys", "any number", any_number, run});
}
