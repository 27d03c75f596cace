// The C functions of Fast Messages (fm.h, fm1.h): one process's library, and how it joins its job.
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "adi/base/host.hpp"
#include "adi/boot/boot.hpp"
#include "devices/fm/fm1.h"
#include "devices/fm/join.hpp"
#include "devices/fm/library.hpp"
#include "devices/fm/loopback.hpp"

#undef FM_extract

#define FM_EXPORT __attribute__((visibility("default")))

extern "C" {
FM_EXPORT ULONG FM_nodeid = 0;
FM_EXPORT ULONG FM_numnodes = 0;
}

namespace dev::fm {
namespace {

constexpr int kMaxHandlers = 1024;

/// Everything that the C functions work on.
struct Process {
    bool quiet = false;
    int most_handlers = kMaxHandlers;
    std::unique_ptr<HandlerTable> handlers;
    std::unique_ptr<adi::Bootstrap> boot;
    std::unique_ptr<LoopbackFabric> alone;  ///< the network of a job of one
    std::unique_ptr<Library> library;
    void (*lost)(ULONG, const char*) = nullptr;

    HandlerTable& table() {
        if (!handlers) handlers = std::make_unique<HandlerTable>(most_handlers);
        return *handlers;
    }
};

Process& process() {
    static Process* only = new Process;  // it stays when the program ends without FM_finalize()
    return *only;
}

/// process().library, on a shorter way.
constinit Library* the_library = nullptr;
constinit int idle_extracts = 0;  ///< calls of FM_extract() in a row that found nothing

[[noreturn, gnu::cold]] void fail(const std::string& message) {
    const std::string line = "FM: node " + std::to_string(FM_nodeid) + ": " + message;
    std::fprintf(stderr, "%s\n", line.c_str());
    std::fflush(nullptr);
    if (process().boot) process().boot->abort(1, "");
    _exit(1);
}

[[noreturn, gnu::cold, gnu::noinline]] void fail_uninitialized(const char* call) {
    fail(std::string(call) + ": FM_initialize() was not called");
}

inline Library& library(const char* call) {
    if (the_library == nullptr) [[unlikely]]
        fail_uninitialized(call);
    return *the_library;
}

template <class T>
T must(adi::Result<T> result, const char* what) {
    if (!result) fail(std::string(what) + ": " + result.message());
    return std::move(*result);
}

std::string key_of(Node node) {
    return "fm-place-" + std::to_string(node);
}

/// Opens this process's board, and exchanges places with the others.
std::unique_ptr<Board> join(adi::Bootstrap& boot, Node self, Node nodes) {
    const adi::Result<BoardPlace> where = board_from_environment();
    if (!where && where.status() == adi::Status::unsupported && nodes == 1) {
        process().alone = std::make_unique<LoopbackFabric>();
        return process().alone->make_board(Endpoint::ring_slots_for(1));
    }
    if (!where) fail("FM_initialize: " + where.message());
    std::unique_ptr<Board> board = must(open_board(*where, self, nodes), "FM_initialize");
    must(boot.put(key_of(self), place_to_text(board->place())), "FM_initialize");
    must(boot.fence(), "FM_initialize");
    std::vector<std::uint32_t> places(nodes);
    for (Node node = 0; node < nodes; ++node) {
        const std::string text =
            must(boot.get(static_cast<int>(node), key_of(node)), "FM_initialize");
        if (!place_from_text(text, &places[node])) {
            fail("FM_initialize: node " + std::to_string(node) + " published '" + text +
                 "', which is no place on a Myrinet");
        }
    }
    must(board->connect(places), "FM_initialize");
    // Packets to an endpoint that is not open yet would be tried again and again.
    must(boot.fence(), "FM_initialize");
    return board;
}

void on_lost(Node node, const char* why) {
    if (process().lost != nullptr) return process().lost(node, why);
    fail("node " + std::to_string(node) + " is lost: " + why);
}

void say(const std::string& message) {
    if (!process().quiet) std::fprintf(stderr, "%s\n", message.c_str());
}

void initialize() {
    Process& p = process();
    if (p.library) fail("FM_initialize() was called before");
    std::string error;
    if (!p.boot) p.boot = adi::make_bootstrap(&error);
    if (!p.boot) fail("FM_initialize: " + error);
    FM_nodeid = static_cast<ULONG>(p.boot->rank());
    FM_numnodes = static_cast<ULONG>(p.boot->size());
    if (FM_numnodes > FM_MAX_NODES) {
        fail("FM_initialize: a job has at most " + std::to_string(FM_MAX_NODES) + " nodes");
    }
    const auto self = static_cast<Node>(FM_nodeid);
    const auto nodes = static_cast<Node>(FM_numnodes);
    EndpointOptions options = options_from_environment(self, nodes);
    const std::vector<adi::Peer> local = must(adi::local_peers(*p.boot), "FM_initialize");
    const std::size_t busy = local.size() + 1;  // the emulator too
    if (busy > static_cast<std::size_t>(adi::available_cpus())) options.patience = 0;
    auto endpoint = std::make_unique<Endpoint>(join(*p.boot, self, nodes), options);
    p.library =
        std::make_unique<Library>(std::move(endpoint), p.table(), Library::Hooks{fail, say});
    p.library->on_lost(on_lost);
    the_library = p.library.get();
}

void finalize() {
    Process& p = process();
    library("FM_finalize").leave();
    // Nobody's last packets are under way any more: boards may be given back. What follows is not
    // the modelled machine's business.
    if (Clock* clock = p.library->endpoint().board().clock()) clock->away();
    must(p.boot->fence(), "FM_finalize");
    p.library.reset();
    the_library = nullptr;
    p.alone.reset();
    must(p.boot->finalize(), "FM_finalize");
}

ULONG add_handler(const char* call, ULONG id, FM_handler* handler) {
    HandlerTable& table = process().table();
    if (!table.add(&id, handler)) {
        fail(std::string(call) + ": no handler id left, or it is not below FM_MAX_HANDLERS (" +
             std::to_string(table.most()) + ")");
    }
    return id;
}

}  // namespace
}  // namespace dev::fm

using namespace dev::fm;

// --- FM 2.x -------------------------------------------------------------------------------------

extern "C" {

FM_EXPORT void FM_set_parameter(int parameter, ...) {
    Process& p = process();
    if (p.library) fail("FM_set_parameter() after FM_initialize()");
    va_list arguments;
    va_start(arguments, parameter);
    switch (parameter) {
        case FM_QUIET: p.quiet = true; break;
        case FM_MAX_HANDLERS:
            p.most_handlers = va_arg(arguments, int);
            if (p.most_handlers < 1 || p.handlers) {
                fail("FM_MAX_HANDLERS is above 0, and set before the first handler is registered");
            }
            break;
        case FM_GRM_NAME:
        case FM_GRM_PORT:
        case FM_CM_PORT:
        case FM_KEY_NAME: break;
        default: fail("FM_set_parameter: there is no parameter " + std::to_string(parameter));
    }
    va_end(arguments);
}

FM_EXPORT void FM_initialize(void) {
    initialize();
}

FM_EXPORT void FM_finalize(void) {
    finalize();
}

FM_EXPORT ULONG FM_register_handler(ULONG id, FM_handler* handler) {
    return add_handler("FM_register_handler", id, handler);
}

FM_EXPORT FM_stream* FM_begin_message(ULONG recipient, ULONG length, ULONG handler) {
    return library("FM_begin_message")
        .begin(recipient, length, static_cast<std::uint32_t>(handler));
}

FM_EXPORT void FM_send_piece(FM_stream* stream, void* buffer, ULONG length) {
    library("FM_send_piece").send_piece(*stream, buffer, length);
}

FM_EXPORT void FM_end_message(FM_stream* stream) {
    library("FM_end_message").end(*stream);
}

FM_EXPORT int FM_extract(unsigned max_bytes) {
    Library& fm = library("FM_extract");
    const int packets = fm.extract(max_bytes);
    if (packets > 0) [[likely]] {
        idle_extracts = 0;
        return packets;
    }
    // Programs poll. Where processes share processors, the board's emulator or the peer needs
    // this one.
    constexpr int kPatience = 64;
    if (++idle_extracts >= kPatience && fm.endpoint().board().clock() == nullptr) {
        idle_extracts = 0;
        sched_yield();
    }
    return 0;
}

FM_EXPORT void FM_receive(void* buffer, FM_stream* stream, unsigned length) {
    library("FM_receive").receive(buffer, *stream, length);
}

// --- Fathom's own -------------------------------------------------------------------------------

FM_EXPORT ULONG FMX_missing(FM_stream* stream) {
    return stream->missing;
}

FM_EXPORT void FMX_wait(void) {
    library("FMX_wait").wait();
}

FM_EXPORT double FMX_time(void) {
    if (const Clock* clock = library("FMX_time").endpoint().board().clock()) {
        return static_cast<double>(clock->now_ps()) * 1e-12;
    }
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(now).count();
}

FM_EXPORT void FMX_compute(double seconds) {
    Clock* clock = library("FMX_compute").endpoint().board().clock();
    if (clock != nullptr && seconds > 0)
        clock->charge_ps(static_cast<std::int64_t>(std::min(seconds, 1e3) * 1e12));
}

FM_EXPORT void FMX_on_lost(void (*function)(ULONG, const char*)) {
    process().lost = function;
}

FM_EXPORT int FMX_open_window(ULONG node, void* address, ULONG bytes, FMX_window* window) {
    Endpoint& endpoint = library("FMX_open_window").endpoint();
    if (node >= FM_numnodes) fail("FMX_open_window: there is no node " + std::to_string(node));
    WindowKey key = 0;
    const adi::Status s = endpoint.open_window(static_cast<Node>(node), address, bytes, &key);
    if (s == adi::Status::bad_argument) {
        fail("FMX_open_window: address and length are multiples of 4, and the length is at most " +
             std::to_string(endpoint.most_window_bytes()));
    }
    if (s != adi::Status::ok) return -1;
    *window = {key, bytes};
    return 0;
}

FM_EXPORT void FMX_close_window(const FMX_window* window) {
    library("FMX_close_window").endpoint().close_window(window->key);
}

FM_EXPORT int FMX_put(ULONG node, const void* from, ULONG bytes, const FMX_window* window,
                      ULONG offset, volatile int* done) {
    Library& fm = library("FMX_put");
    if (node >= FM_numnodes || offset > window->bytes || bytes > window->bytes - offset) return -1;
    const adi::Status s = fm.put(static_cast<Node>(node), from, bytes, window->key, offset, done);
    return s == adi::Status::ok ? 0 : -1;
}

}  // extern "C"

// --- FM 1.1 -------------------------------------------------------------------------------------
// Its handlers have tables of their own, by the same ids: what FM 2.x runs is one of two handlers
// here, which receive all of the message and then call them.

namespace {

constexpr std::uint32_t kMostOldBytes = 0x7fffffff;

struct OldHandlers {
    std::vector<FM_handler_4*> four;
    std::vector<FM_handler_buffer*> buffer;
};

OldHandlers& old_handlers() {
    static auto* only = new OldHandlers;
    return *only;
}

template <class T>
void keep(std::vector<T*>& table, ULONG id, T* handler) {
    if (table.size() <= id) table.resize(id + 1);
    table[id] = handler;
}

int run_four(FM_stream* stream, unsigned) {
    FM_handler_4* handler = old_handlers().four[stream->id];
    int words[4];
    FM_receive(words, stream, sizeof words);
    if (stream->missing == 0) handler(words[0], words[1], words[2], words[3]);
    return FM_CONTINUE;
}

/// Its message begins with the length.
int run_buffer(FM_stream* stream, unsigned) {
    FM_handler_buffer* handler = old_handlers().buffer[stream->id];
    std::uint32_t bytes = 0;
    FM_receive(&bytes, stream, sizeof bytes);
    if (bytes > kMostOldBytes) return FM_CONTINUE;
    void* buffer = std::malloc(bytes > 0 ? bytes : 1);
    if (buffer == nullptr) fail("FM_extract: no memory for a message of FM_send()");
    FM_receive(buffer, stream, bytes);
    if (stream->missing == 0) handler(buffer, static_cast<int>(bytes));
    std::free(buffer);
    return FM_CONTINUE;
}

/// The stream to send on; null in a handler when there is no room.
FM_stream* begin_old(ULONG dest, ULONG length, ULONG handler) {
    while (true) {
        if (FM_stream* stream = FM_begin_message(dest, length, handler)) return stream;
        Library& fm = library("FM_send");
        if (fm.in_handler() || fm.endpoint().lost(static_cast<Node>(dest))) return nullptr;
        if (fm.extract(~std::uint64_t{0}) == 0) fm.wait();
    }
}

}  // namespace

extern "C" {

FM_EXPORT ULONG FM_register_handler_4(ULONG id, FM_handler_4* handler) {
    id = add_handler("FM_register_handler_4", id, run_four);
    keep(old_handlers().four, id, handler);
    return id;
}

FM_EXPORT ULONG FM_register_handler_buffer(ULONG id, FM_handler_buffer* handler) {
    id = add_handler("FM_register_handler_buffer", id, run_buffer);
    keep(old_handlers().buffer, id, handler);
    return id;
}

FM_EXPORT int FM_send_4(ULONG dest, ULONG handler, int i0, int i1, int i2, int i3) {
    int words[4] = {i0, i1, i2, i3};
    FM_stream* stream = begin_old(dest, sizeof words, handler);
    if (stream == nullptr) return -1;
    FM_send_piece(stream, words, sizeof words);
    FM_end_message(stream);
    return 0;
}

FM_EXPORT int FM_send(ULONG dest, ULONG handler, const void* buffer, ULONG bytes) {
    if (bytes > kMostOldBytes) fail("FM_send: a message has at most 2^31 - 1 bytes");
    auto length = static_cast<std::uint32_t>(bytes);
    FM_stream* stream = begin_old(dest, sizeof length + bytes, handler);
    if (stream == nullptr) return -1;
    FM_send_piece(stream, &length, sizeof length);
    FM_send_piece(stream, const_cast<void*>(buffer), bytes);
    FM_end_message(stream);
    return 0;
}

}  // extern "C"
