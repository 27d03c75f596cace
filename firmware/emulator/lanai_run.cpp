// Runs a LANai program by itself: lanai_run IMAGE [--time]. No board: the program ends by a store
// to 0xffffffec, whose value is printed in hexadecimal. For the tests of the core against other
// code.
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <vector>

#include "firmware/emulator/core.hpp"

namespace {

constexpr std::uint32_t kResult = 0xffffffec;
constexpr std::uint32_t kBytes = 0x100000;

class Exit final : public emulator::Bus {
  public:
    bool load(std::uint32_t, unsigned, std::uint32_t*) override { return false; }
    bool store(std::uint32_t address, unsigned size, std::uint32_t value) override {
        if (address != kResult || size != 4) return false;
        result = value;
        done = true;
        core->stop_at(0);
        return true;
    }
    emulator::Core* core = nullptr;
    std::uint32_t result = 0;
    bool done = false;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fputs("usage: lanai_run IMAGE [--time]\n", stderr);
        return 2;
    }
    std::ifstream file(argv[1], std::ios::binary);
    const std::vector<char> image((std::istreambuf_iterator<char>(file)), {});
    if (!file || image.empty() || image.size() > kBytes) {
        std::fprintf(stderr, "lanai_run: %s is not an image that fits\n", argv[1]);
        return 2;
    }
    std::vector<std::byte> sram(kBytes);
    std::memcpy(sram.data(), image.data(), image.size());
    Exit bus;
    emulator::Core core({sram.data(), kBytes, kBytes, kBytes}, bus);
    bus.core = &core;
    core.reset(0, kBytes - 4);
    const std::clock_t began = std::clock();
    while (!bus.done && core.fault() == nullptr) core.run(core.cycles() + 1'000'000'000, false);
    const double seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
    if (core.fault() != nullptr) {
        std::fputs(core.fault()->text().c_str(), stderr);
        return 1;
    }
    std::printf("%08x\n", bus.result);
    if (argc > 2)
        std::fprintf(stderr, "%llu instructions, %.1f MIPS\n",
                     static_cast<unsigned long long>(core.cycles()),
                     static_cast<double>(core.cycles()) / seconds / 1e6);
    return 0;
}
