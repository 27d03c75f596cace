#include "firmware/emulator/trace.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace emulator {

namespace {

constexpr std::array<const char*, Trace::kLanes> kNames = {"host", "PIO", "LANai",
                                                           "wire", "DMA", "handler"};
constexpr Time kMicrosecond = 1'000'000;

/// Microseconds with the picoseconds behind the point: Perfetto's unit is the microsecond, and a
/// floating-point number would lose the end of long runs.
void print_time(std::FILE* file, const char* key, Time time) {
    if (time < 0) time = 0;
    std::fprintf(file, ",\"%s\":%lld.%06lld", key, static_cast<long long>(time / kMicrosecond),
                 static_cast<long long>(time % kMicrosecond));
}

}  // namespace

adi::Result<std::unique_ptr<Trace>> Trace::open(const std::string& path) {
    std::FILE* file = std::fopen(path.c_str(), "we");
    if (file == nullptr)
        return adi::Result<std::unique_ptr<Trace>>(
            adi::Status::bad_argument,
            "the trace " + path + " cannot be made: " + std::generic_category().message(errno));
    std::fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", file);
    return std::unique_ptr<Trace>(new Trace(file));
}

Trace::~Trace() {
    std::fputs("\n]}\n", file_);
    std::fclose(file_);
}

void Trace::begin_event() {
    std::fputs(events_++ == 0 ? "\n" : ",\n", file_);
}

void Trace::text(std::string_view words) {
    std::fputc('"', file_);
    for (const char c : words) {
        if (c == '"' || c == '\\') std::fputc('\\', file_);
        std::fputc(c >= ' ' && c < 127 ? c : '?', file_);
    }
    std::fputc('"', file_);
}

void Trace::lane(std::uint32_t board, Lane lane) {
    board %= static_cast<std::uint32_t>(named_.size());
    const auto number = static_cast<unsigned>(lane);
    if ((named_[board] & 1U << number) != 0) return;
    if (named_[board] == 0) {
        begin_event();
        std::fprintf(
            file_,
            "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":%u,\"args\":{\"name\":\"board %u\"}}",
            board, board);
    }
    named_[board] = static_cast<std::uint8_t>(named_[board] | 1U << number);
    begin_event();
    std::fprintf(
        file_,
        "{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":%u,\"tid\":%u,\"args\":{\"name\":\"%s\"}}",
        board, number, kNames[number]);
    begin_event();
    std::fprintf(file_,
                 "{\"ph\":\"M\",\"name\":\"thread_sort_index\",\"pid\":%u,\"tid\":%u,"
                 "\"args\":{\"sort_index\":%u}}",
                 board, number, number);
}

void Trace::span(std::uint32_t board, Lane where, std::string_view name, Time begin, Time end,
                 std::int64_t bytes) {
    lane(board, where);
    begin_event();
    std::fputs("{\"ph\":\"X\",\"name\":", file_);
    text(name);
    std::fprintf(file_, ",\"pid\":%u,\"tid\":%u", board, static_cast<unsigned>(where));
    print_time(file_, "ts", begin);
    print_time(file_, "dur", end > begin ? end - begin : 0);
    if (bytes >= 0)
        std::fprintf(file_, ",\"args\":{\"bytes\":%lld}", static_cast<long long>(bytes));
    std::fputc('}', file_);
}

void take_host_trace(fm_host_trace& from, std::uint32_t board, Trace& trace) {
    using Lane = Trace::Lane;
    static constexpr std::array<std::pair<Lane, const char*>, FM_TRACE_KINDS> kKinds = {{
        {Lane::host, "FM send"},
        {Lane::host, "FM piece"},
        {Lane::host, "FM packet"},
        {Lane::handler, "handler"},
        {Lane::host, "FM poll"},
        {Lane::host, "pin"},
        {Lane::host, "MPI send"},
        {Lane::host, "MPI receive"},
        {Lane::host, "copy"},
        {Lane::host, "compute"},
        {Lane::pio, "write"},
        {Lane::pio, "write word"},
        {Lane::pio, "read word"},
    }};
    const std::uint32_t head =
        std::atomic_ref<std::uint32_t>(from.head).load(std::memory_order_acquire);
    std::uint32_t tail = from.tail;
    if (head - tail > FM_TRACE_EVENTS) tail = head;
    for (; tail != head; ++tail) {
        const fm_trace_event event = from.events[tail % FM_TRACE_EVENTS];
        if (event.what >= kKinds.size() || event.begin_ps > INT64_MAX / 2) continue;
        const auto& [lane, name] = kKinds[event.what];
        const auto begin = static_cast<Time>(event.begin_ps);
        trace.span(board, lane, name, begin, begin + event.lasts_ps,
                   event.bytes > 0 ? event.bytes : -1);
    }
    // Releases the places.
    std::atomic_ref<std::uint32_t>(from.tail).store(tail, std::memory_order_release);
}

void Trace::mark(std::uint32_t board, Lane where, std::string_view name, Time when) {
    lane(board, where);
    begin_event();
    std::fputs("{\"ph\":\"i\",\"s\":\"t\",\"name\":", file_);
    text(name);
    std::fprintf(file_, ",\"pid\":%u,\"tid\":%u", board, static_cast<unsigned>(where));
    print_time(file_, "ts", when);
    std::fputc('}', file_);
}

}  // namespace emulator
