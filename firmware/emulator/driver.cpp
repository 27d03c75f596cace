#include "firmware/emulator/driver.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "adi/base/futex.hpp"
#include "firmware/emulator/trace.hpp"

namespace emulator {

namespace {

constexpr std::uint32_t board_field(std::size_t offset) {
    return FM_SRAM_BOARD + static_cast<std::uint32_t>(offset);
}
constexpr std::uint32_t control_of(std::uint32_t endpoint) {
    return FM_SRAM_CONTROL + endpoint * static_cast<std::uint32_t>(sizeof(fm_endpoint_control));
}
constexpr std::uint32_t node_of(std::uint32_t endpoint, std::uint32_t node) {
    return FM_SRAM_NODES +
           (endpoint * FM_MAX_NODES + node) * static_cast<std::uint32_t>(sizeof(fm_node));
}
constexpr std::uint32_t region_of(std::uint32_t endpoint) {
    return FM_SRAM_ENDPOINTS + endpoint * FM_ENDPOINT_BYTES;
}
constexpr std::uint32_t route_of(std::uint32_t board) {
    return FM_SRAM_ROUTES + board * static_cast<std::uint32_t>(sizeof(fm_route));
}

void add_event(fm_host_status& status) {
    std::atomic_ref<std::uint32_t>(status.events).fetch_add(1, std::memory_order_seq_cst);
    adi::futex_wake(&status.events);
}

}  // namespace

Driver::Driver(std::uint32_t board, Scheduler& scheduler, const Machine& machine,
               Lockstep* lockstep)
    : lockstep_(lockstep),
      iommu_([this](std::uint32_t endpoint) { written(endpoint); }),
      board_(board, scheduler, machine, iommu_, [this] { interrupt(); }) {
    if (lockstep_ != nullptr) board_.on_store([this](std::uint32_t address) { stored(address); });
}

Driver::~Driver() {
    for (Endpoint& endpoint : endpoints_) {
        if (endpoint.clock != nullptr) lockstep_->remove(endpoint.clock);
    }
}

adi::Result<bool> Driver::start(const firmware::Image& image, const FirmwareSettings& settings,
                                const Topology& topology, const Routes& routes) {
    if (image.bytes.empty() || image.end > FM_SRAM_PRIVATE)
        return {adi::Status::internal, "the firmware image does not fit the board"};
    auto counters = SharedMemory::create("fathom-fm-counters", FM_PAGE_BYTES);
    if (!counters) return {counters.status(), counters.message()};
    counters_ = std::move(*counters);
    if (!board_.map(FM_SRAM_COUNTERS, counters_.fd(), FM_PAGE_BYTES) || !counters_.seal_writes())
        return {adi::Status::no_memory, "the page of a board's counters cannot be shared"};
    board_.load(image.bytes, 0);
    map_ = settings.map;
    const std::pair<std::size_t, std::uint32_t> fields[] = {
        {offsetof(fm_board_page, board), board_.id()},
        {offsetof(fm_board_page, flags), map_ ? FM_BOARD_MAP : 0U},
        {offsetof(fm_board_page, retransmit_us), settings.retransmit_us},
        {offsetof(fm_board_page, give_up_ms), settings.give_up_ms},
        {offsetof(fm_board_page, ack_us), settings.ack_us},
        {offsetof(fm_board_page, map_ms), settings.map_ms}};
    for (const auto& [offset, word] : fields) board_.store_word(board_field(offset), word);
    if (map_) return true;
    for (const std::uint32_t other : topology.boards) {
        const auto bytes = routes.between(board_.id(), other);
        if (!bytes || bytes->size() > FM_MAX_ROUTE || other == board_.id()) continue;
        fm_route route{};
        route.bytes[0] = static_cast<std::uint8_t>(bytes->size());
        std::copy(bytes->begin(), bytes->end(), std::end(route.bytes) - bytes->size());
        std::memcpy(board_.sram() + route_of(other), &route, sizeof route);
        board_.written(route_of(other), sizeof route);
    }
    return true;
}

bool Driver::ready(std::uint32_t hosts) const {
    const auto field = [this](std::size_t offset) { return board_.load_word(board_field(offset)); };
    return field(offsetof(fm_board_page, magic)) == FM_MAGIC &&
           field(offsetof(fm_board_page, version)) == FM_LAYOUT_VERSION &&
           (!map_ || field(offsetof(fm_board_page, hosts)) >= hosts);
}

// --- commands ----------------------------------------------------------------------------------

void Driver::command(std::uint32_t op, std::uint32_t endpoint, std::function<void()> prepare,
                     Done done) {
    commands_.push_back({op << 24 | endpoint, std::move(prepare), std::move(done)});
    poll();
}

void Driver::poll() {
    constexpr std::uint32_t kCommand = board_field(offsetof(fm_board_page, command));
    constexpr std::uint32_t kResult = board_field(offsetof(fm_board_page, result));
    while (!commands_.empty()) {
        Command& first = commands_.front();
        const bool stopped = board_.fault() != nullptr;
        if (!first.started && !stopped) {
            first.started = true;
            if (first.prepare) first.prepare();
            board_.store_word(kCommand, first.word);
            board_.signal(FM_COMMAND_SIGNAL);
            return;
        }
        if (!stopped && board_.load_word(kCommand) != FM_COMMAND_NONE) return;
        const Done done = std::move(first.done);
        commands_.pop_front();
        if (done) done(!stopped && board_.load_word(kResult) == FM_RESULT_OK);
    }
}

// --- endpoints ---------------------------------------------------------------------------------

bool Driver::has(std::uint32_t key, std::uint32_t node) const {
    return std::any_of(endpoints_.begin(), endpoints_.end(), [&](const Endpoint& endpoint) {
        return endpoint.used && endpoint.process != 0 && endpoint.key == key &&
               endpoint.node == node;
    });
}

adi::Result<std::uint32_t> Driver::reserve(const fm_attach_request& request, pid_t process) {
    const auto unused = std::find_if(endpoints_.begin(), endpoints_.end(),
                                     [](const Endpoint& endpoint) { return !endpoint.used; });
    if (unused == endpoints_.end())
        return {adi::Status::again, "all " + std::to_string(FM_ENDPOINTS) + " endpoints of board " +
                                        std::to_string(board_.id()) + " are taken"};
    const auto index = static_cast<std::uint32_t>(unused - endpoints_.begin());
    const std::uint32_t pages = request.ring_slots + request.staging_pages;
    auto region = SharedMemory::create("fathom-fm-endpoint", FM_ENDPOINT_BYTES);
    if (!region) return {region.status(), region.message()};
    auto host = SharedMemory::create("fathom-fm-host", std::size_t{1 + pages} * FM_PAGE_BYTES);
    if (!host) return {host.status(), host.message()};
    if (!board_.map(region_of(index), region->fd(), FM_ENDPOINT_BYTES))
        return {adi::Status::no_memory, "an endpoint's memory cannot be mapped"};
    Endpoint& endpoint = *unused;
    endpoint = Endpoint{};
    endpoint.used = true;
    ++endpoints_in_use_;
    endpoint.key = request.key;
    endpoint.node = request.argument;
    endpoint.nodes = request.nodes;
    endpoint.ring_slots = request.ring_slots;
    endpoint.process = process;
    endpoint.region = std::move(*region);
    endpoint.host = std::move(*host);
    endpoint.interrupts =
        board_.load_word(board_field(offsetof(fm_board_page, interrupts)) + 4 * index);
    endpoint.pages.assign(FM_PAGES, PageUse::free);
    for (std::uint32_t page = 0; page < pages; ++page) {
        endpoint.pages[page] = PageUse::taken;
        iommu_.enter_shared(index, page,
                            endpoint.host.data() + std::size_t{1 + page} * FM_PAGE_BYTES);
        write_page(index, page, true);
    }
    endpoint.next_page = pages;
    if (lockstep_ != nullptr) endpoint.clock = lockstep_->add(endpoint.status());
    endpoint.trace()->on = lockstep_ != nullptr && trace_ != nullptr ? 1 : 0;
    write_control(index, FM_ENDPOINT_RESERVED);
    return index;
}

void Driver::take_trace() {
    if (trace_ == nullptr) return;
    for (const Endpoint& endpoint : endpoints_)
        if (endpoint.used) take_host_trace(*endpoint.trace(), board_.id(), *trace_);
}

void Driver::write_control(std::uint32_t index, std::uint32_t state) {
    const Endpoint& endpoint = endpoints_[index];
    const std::uint32_t control = control_of(index);
    board_.store_word(control + offsetof(fm_endpoint_control, key), endpoint.key);
    board_.store_word(control + offsetof(fm_endpoint_control, node), endpoint.node);
    board_.store_word(control + offsetof(fm_endpoint_control, nodes), endpoint.nodes);
    board_.store_word(control + offsetof(fm_endpoint_control, ring_slots), endpoint.ring_slots);
    board_.store_word(control + offsetof(fm_endpoint_control, state), state);
}

void Driver::write_page(std::uint32_t endpoint, std::uint32_t page, bool valid) {
    board_.store_word(FM_SRAM_PAGES + 4 * (endpoint * FM_PAGES + page),
                      valid ? Iommu::address(endpoint, page) | FM_PAGE_VALID : 0);
}

void Driver::open(std::uint32_t index, std::span<const std::uint32_t> places, Done done) {
    command(
        FM_COMMAND_OPEN, index,
        [this, index, copy = std::vector<std::uint32_t>(places.begin(), places.end())] {
            for (std::uint32_t node = 0; node < copy.size(); ++node) {
                board_.store_word(node_of(index, node), copy[node]);
                board_.store_word(node_of(index, node) + 4, 0);
            }
            write_control(index, FM_ENDPOINT_OPEN);
        },
        std::move(done));
}

void Driver::close(std::uint32_t index) {
    Endpoint& endpoint = endpoints_[index];
    if (!endpoint.used || endpoint.process == 0) return;
    endpoint.process = 0;
    if (endpoint.clock != nullptr) lockstep_->remove(std::exchange(endpoint.clock, nullptr));
    iommu_.remove_all(index);
    command(
        FM_COMMAND_CLOSE, index, [this, index] { write_control(index, FM_ENDPOINT_CLOSED); },
        [this, index](bool) { released(index); });
}

void Driver::released(std::uint32_t index) {
    take_trace();
    Endpoint& endpoint = endpoints_[index];
    for (std::uint32_t page = 0; page < FM_PAGES; ++page) {
        if (endpoint.pages[page] != PageUse::free) write_page(index, page, false);
    }
    board_.unmap(region_of(index), FM_ENDPOINT_BYTES);
    endpoint = Endpoint{};
    --endpoints_in_use_;
}

// --- pages -------------------------------------------------------------------------------------

std::uint32_t Driver::find_pages(Endpoint& endpoint, std::uint32_t pages) const {
    // From where the last search ended, so that pages come back late into use.
    for (const std::uint32_t begin : {endpoint.next_page, 0U}) {
        std::uint32_t run = 0;
        for (std::uint32_t page = begin; page < FM_PAGES; ++page) {
            run = endpoint.pages[page] == PageUse::free ? run + 1 : 0;
            if (run == pages) {
                endpoint.next_page = (page + 1) % FM_PAGES;
                return page + 1 - pages;
            }
        }
    }
    return FM_PAGES;
}

bool Driver::reachable(const Endpoint& endpoint, std::uint64_t address, std::uint64_t bytes) const {
    for (const std::uint64_t probe : {address, address + bytes - 1}) {
        std::byte byte{};
        const iovec local{&byte, 1};
        const iovec remote{reinterpret_cast<void*>(probe), 1};
        if (::process_vm_readv(endpoint.process, &local, 1, &remote, 1, 0) != 1) return false;
    }
    return true;
}

adi::Result<std::uint32_t> Driver::pin(std::uint32_t index, std::uint64_t address,
                                       std::uint64_t bytes) {
    Endpoint& endpoint = endpoints_[index];
    const std::uint64_t most = std::uint64_t{FM_PAGES} * FM_PAGE_BYTES;
    if (bytes == 0 || bytes > most || address > UINT64_MAX - most - FM_PAGE_BYTES)
        return {adi::Status::bad_argument, "no such range of memory can be registered"};
    const std::uint64_t first = address / FM_PAGE_BYTES;
    const auto pages =
        static_cast<std::uint32_t>((address + bytes - 1) / FM_PAGE_BYTES - first + 1);
    if (!reachable(endpoint, address, bytes))
        return {adi::Status::unsupported, "the emulator cannot reach this memory of the process"};
    const std::uint32_t page = find_pages(endpoint, pages);
    if (page == FM_PAGES) return {adi::Status::again, "the page table is full"};
    for (std::uint32_t i = 0; i < pages; ++i) {
        endpoint.pages[page + i] = PageUse::taken;
        iommu_.enter_process(index, page + i, endpoint.process, (first + i) * FM_PAGE_BYTES);
        write_page(index, page + i, true);
    }
    return page;
}

bool Driver::unpin(std::uint32_t index, std::uint32_t page, std::uint32_t pages) {
    Endpoint& endpoint = endpoints_[index];
    const std::uint32_t fixed =
        static_cast<std::uint32_t>(endpoint.host.bytes() / FM_PAGE_BYTES) - 1;
    if (pages == 0 || page < fixed || page >= FM_PAGES || pages > FM_PAGES - page) return false;
    const auto begin = endpoint.pages.begin() + page;
    if (!std::all_of(begin, begin + pages, [](PageUse use) { return use == PageUse::taken; }))
        return false;
    for (std::uint32_t i = page; i < page + pages; ++i) {
        endpoint.pages[i] = PageUse::leaving;
        iommu_.remove(index, i);
        write_page(index, i, false);
    }
    command(FM_COMMAND_FENCE, index, nullptr, [this, index, page, pages](bool ok) {
        // The endpoint may be another by now: then these pages are not leaving.
        Endpoint& now = endpoints_[index];
        for (std::uint32_t i = page; ok && now.used && i < page + pages; ++i) {
            if (now.pages[i] == PageUse::leaving) now.pages[i] = PageUse::free;
        }
    });
    return true;
}

// --- what the board tells ----------------------------------------------------------------------

void Driver::interrupt() {
    for (std::uint32_t index = 0; index < FM_ENDPOINTS; ++index) {
        const std::uint32_t count =
            board_.load_word(board_field(offsetof(fm_board_page, interrupts)) + 4 * index);
        Endpoint& endpoint = endpoints_[index];
        if (!endpoint.used || count == endpoint.interrupts) continue;
        endpoint.interrupts = count;
        add_event(*endpoint.status());
    }
}

void Driver::written(std::uint32_t endpoint) {
    if (endpoints_[endpoint].clock != nullptr) lockstep_->release(*endpoints_[endpoint].clock);
}

void Driver::stored(std::uint32_t address) {
    const std::uint32_t offset = address - FM_SRAM_ENDPOINTS;
    if (address < FM_SRAM_ENDPOINTS || offset / FM_ENDPOINT_BYTES >= FM_ENDPOINTS) return;
    if (offset % FM_ENDPOINT_BYTES == offsetof(fm_endpoint, send_done))
        written(offset / FM_ENDPOINT_BYTES);
}

void Driver::farewell() {
    for (Endpoint& endpoint : endpoints_) {
        if (!endpoint.used) continue;
        fm_host_status& status = *endpoint.status();
        std::atomic_ref<std::uint32_t>(status.dead).store(1, std::memory_order_seq_cst);
        add_event(status);
        adi::futex_wake(&status.state);
        auto* fabric = reinterpret_cast<std::uint32_t*>(&status.fabric_ps);
        adi::futex_wake(fabric);
        adi::futex_wake(fabric + 1);
    }
}

}  // namespace emulator
