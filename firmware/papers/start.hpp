// How each of the papers' programs starts. One translation unit a program, which defines run().
#pragma once

#include "firmware/board/access.hpp"
#include "firmware/papers/layout.hpp"

namespace firmware::papers {
[[noreturn]] void run();
}

extern "C" {

[[noreturn]] void paper_program() {
    while (firmware::hw::read(
               firmware::hw::at<firmware::papers::Control>(firmware::papers::kControl)->go) == 0) {
    }
    firmware::papers::run();
}

// The memory is zeroed. A stack, as if a call had pushed its return address.
__attribute__((section(".start"), naked)) void _start() {
    __asm__ volatile(
        "mov %0, %%sp\n\t"
        "add %%sp, 0x4, %%fp\n\t"
        "bt paper_program\n\t"
        "nop"
        :
        : "i"(firmware::papers::kControl - 4));
}

}  // extern "C"
