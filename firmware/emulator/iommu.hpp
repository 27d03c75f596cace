// What bus addresses mean: which page of which process. Every page that a board may reach was
// entered here by the driver; everything else is a fault. Once remove() returns no DMA touches the
// page: transfers happen on the emulator's thread.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "firmware/emulator/board.hpp"
#include "firmware/protocol/layout.h"

namespace emulator {

class Iommu final : public HostMemory {
  public:
    /// `written`: told after each transfer into a page of that endpoint.
    explicit Iommu(std::function<void(std::uint32_t endpoint)> written)
        : written_(std::move(written)) {}

    /// The bus address of a page of the endpoint's page table, entered or not.
    static std::uint32_t address(std::uint32_t endpoint, std::uint32_t page);

    /// A page of memory that is shared with the process.
    void enter_shared(std::uint32_t endpoint, std::uint32_t page, std::byte* memory);
    /// A page of the process's own.
    void enter_process(std::uint32_t endpoint, std::uint32_t page, pid_t process,
                       std::uint64_t address);
    void remove(std::uint32_t endpoint, std::uint32_t page);
    void remove_all(std::uint32_t endpoint);

    bool read(std::uint32_t bus, std::span<std::byte> to) override;
    bool write(std::uint32_t bus, std::span<const std::byte> from) override;

  private:
    struct Page {
        std::byte* memory = nullptr;
        pid_t process = 0;  // when there is no memory; 0: no page
        std::uint64_t address = 0;
    };

    const Page* find(std::uint32_t bus) const;
    void enter(std::uint32_t endpoint, std::uint32_t page, const Page& entry);

    std::function<void(std::uint32_t)> written_;
    std::array<std::vector<Page>, FM_ENDPOINTS> pages_;  // empty, or FM_PAGES long
};

}  // namespace emulator
