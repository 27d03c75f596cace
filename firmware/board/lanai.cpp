// The image: everything in one translation unit, as the linker and the optimizer like it best.
#include "firmware/board/command.cpp"
#include "firmware/board/deposit.cpp"
#include "firmware/board/dma.cpp"
#include "firmware/board/jobs.cpp"
#include "firmware/board/mapping.cpp"
#include "firmware/board/program.cpp"
#include "firmware/board/receive.cpp"
#include "firmware/board/runtime.cpp"
#include "firmware/board/send.cpp"
#include "firmware/protocol/map_batch.cpp"
#include "firmware/protocol/map_explore.cpp"
#include "firmware/protocol/map_graph.cpp"
#include "firmware/protocol/map_packets.cpp"
#include "firmware/protocol/map_spread.cpp"
#include "firmware/protocol/mapper.cpp"

namespace {
firmware::ControlProgram program;
}

extern "C" {

[[noreturn]] void control_program() {
    program.start();
    firmware::Endpoint* polled = program.first_endpoint();
    for (;;) polled = program.turn(polled);
}

// The processor starts here, with the memory zeroed: a stack, as if a call had pushed its return
// address.
__attribute__((section(".start"), naked)) void _start() {
    __asm__ volatile(
        "mov %0, %%sp\n\t"
        "add %%sp, 0x4, %%fp\n\t"
        "bt control_program\n\t"
        "nop\n\t"
        ".space 0x70"  // kEndpointTable is in here
        :
        : "i"(firmware::kStackTop - 4));
}

}  // extern "C"

static_assert((firmware::kStackTop & 7) == 0);
static_assert(firmware::kImageLimit == 0x21000);  // meson.build gives it to the linker
