// What the parts of `limits` share: two processes bound to two cores, timing, printing.
#ifndef FATHOM_TEST_BENCH_MACHINE_LIMITS_HPP_
#define FATHOM_TEST_BENCH_MACHINE_LIMITS_HPP_

#include <sys/types.h>

#include <cstddef>
#include <functional>

namespace limits {

constexpr std::size_t kLine = 64;

// The two cores: as told, else the first two that this process may use, or one twice.
struct Options {
    int cpu_a = -1;
    int cpu_b = -1;
    bool smoke = false;
    // Of tcp, the processes whose networks the two ends are in, and the first one's address: or
    // loopback.
    int host_a = 0;
    int host_b = 0;
    const char* address = nullptr;
};
extern Options g_options;

double now_s();
void relax();  // one turn of a spinning wait
[[noreturn]] void fail(const char* what);
void bind(int cpu);

// Zeroed memory that this process and its children share; never unmapped.
void* share(std::size_t bytes);

// A second process, bound to a core, which dies with this one; killed by the destructor.
class Child {
  public:
    Child(int cpu, const std::function<void()>& body);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child();
    pid_t pid() const { return pid_; }

  private:
    pid_t pid_ = 0;
};

struct Sample {
    double min_us;  // of one operation
    double median_us;
};

// Times `body(count)`, which does `count` operations, repeatedly.
Sample measure(int repetitions, long count, const std::function<void(long)>& body);
int repetitions();

void print_time(const char* labels, Sample sample, double parts);
void print_rate(const char* labels, std::size_t bytes, Sample sample);

void pipelines();  // pipeline.cpp
void tcp();        // tcp.cpp

}  // namespace limits

#endif  // FATHOM_TEST_BENCH_MACHINE_LIMITS_HPP_
