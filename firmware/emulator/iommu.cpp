#include "firmware/emulator/iommu.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <cstring>

namespace emulator {

namespace {

// Bus addresses: a mark that no small number has, the endpoint, the page, the byte in it.
constexpr std::uint32_t kBase = 0x10000000U;
constexpr std::uint32_t kEndpointBytes = FM_PAGES * FM_PAGE_BYTES;
static_assert(kBase >= FM_ENDPOINTS * kEndpointBytes);

constexpr std::uint32_t endpoint_of(std::uint32_t bus) {
    return (bus - kBase) / kEndpointBytes;
}

}  // namespace

std::uint32_t Iommu::address(std::uint32_t endpoint, std::uint32_t page) {
    return kBase + endpoint * kEndpointBytes + page * FM_PAGE_BYTES;
}

void Iommu::enter(std::uint32_t endpoint, std::uint32_t page, const Page& entry) {
    auto& pages = pages_[endpoint];
    if (pages.empty()) pages.resize(FM_PAGES);
    pages[page] = entry;
}

void Iommu::enter_shared(std::uint32_t endpoint, std::uint32_t page, std::byte* memory) {
    enter(endpoint, page, {memory, 0, 0});
}

void Iommu::enter_process(std::uint32_t endpoint, std::uint32_t page, pid_t process,
                          std::uint64_t address) {
    enter(endpoint, page, {nullptr, process, address});
}

void Iommu::remove(std::uint32_t endpoint, std::uint32_t page) {
    enter(endpoint, page, {});
}

void Iommu::remove_all(std::uint32_t endpoint) {
    pages_[endpoint].clear();
}

const Iommu::Page* Iommu::find(std::uint32_t bus) const {
    if (bus < kBase || bus - kBase >= FM_ENDPOINTS * kEndpointBytes) return nullptr;
    const auto& pages = pages_[endpoint_of(bus)];
    if (pages.empty()) return nullptr;
    const Page& page = pages[(bus - kBase) % kEndpointBytes / FM_PAGE_BYTES];
    return page.memory != nullptr || page.process != 0 ? &page : nullptr;
}

bool Iommu::read(std::uint32_t bus, std::span<std::byte> to) {
    while (!to.empty()) {
        const Page* page = find(bus);
        if (page == nullptr) return false;
        const std::size_t offset = bus % FM_PAGE_BYTES;
        const std::size_t bytes = std::min(to.size(), FM_PAGE_BYTES - offset);
        if (page->memory != nullptr) {
            std::memcpy(to.data(), page->memory + offset, bytes);
        } else {
            const iovec local{to.data(), bytes};
            const iovec remote{reinterpret_cast<void*>(page->address + offset), bytes};
            if (::process_vm_readv(page->process, &local, 1, &remote, 1, 0) !=
                static_cast<ssize_t>(bytes))
                return false;
        }
        to = to.subspan(bytes);
        bus += static_cast<std::uint32_t>(bytes);
    }
    return true;
}

bool Iommu::write(std::uint32_t bus, std::span<const std::byte> from) {
    const std::uint32_t first = bus;
    while (!from.empty()) {
        const Page* page = find(bus);
        if (page == nullptr) return false;
        const std::size_t offset = bus % FM_PAGE_BYTES;
        const std::size_t bytes = std::min(from.size(), FM_PAGE_BYTES - offset);
        if (page->memory != nullptr) {
            copy_released(page->memory + offset, from.first(bytes));
        } else {
            const iovec local{const_cast<std::byte*>(from.data()), bytes};
            const iovec remote{reinterpret_cast<void*>(page->address + offset), bytes};
            if (::process_vm_writev(page->process, &local, 1, &remote, 1, 0) !=
                static_cast<ssize_t>(bytes))
                return false;
        }
        from = from.subspan(bytes);
        bus += static_cast<std::uint32_t>(bytes);
    }
    if (bus != first) written_(endpoint_of(first));
    return true;
}

}  // namespace emulator
