// A LANai program as the build embeds it (link_lanai.py --array writes the definition).
#pragma once

#include <cstdint>
#include <span>

namespace firmware {

/// A function or object of the program.
struct Symbol {
    std::uint32_t address;
    std::uint32_t bytes;
    const char* name;  ///< as the linker sees it (mangled)
};

/// To be copied to address 0 of a zeroed SRAM; the processor starts at 0.
struct Image {
    std::span<const std::uint8_t> bytes;
    std::uint32_t end;                ///< of what the program uses, its zeroed data included
    std::span<const Symbol> symbols;  ///< by address
};

/// The control program of the board (firmware/board).
extern const Image kControlProgram;

}  // namespace firmware
