// Prints the constants of a machine of modelled time, for the table that says where time goes.
#include <cstdio>
#include <string>

#include "firmware/emulator/machine.hpp"
#include "rank.hpp"

namespace {

using emulator::Machine;

struct Field {
    const char* name;
    emulator::Time Machine::*member;
};

constexpr Field kFields[] = {
    {"cycle", &Machine::cycle_ps},
    {"dma_start", &Machine::dma_start_ps},
    {"dma_byte", &Machine::dma_byte_ps},
    {"link_byte", &Machine::link_byte_ps},
    {"hop", &Machine::hop_ps},
    {"cable", &Machine::cable_ps},
    {"pio_write_start", &Machine::pio_write_start_ps},
    {"pio_write_byte", &Machine::pio_write_byte_ps},
    {"pio_word", &Machine::pio_word_ps},
    {"pio_read", &Machine::pio_read_ps},
    {"poll", &Machine::poll_ps},
    {"copy_start", &Machine::copy_start_ps},
    {"copy_byte", &Machine::copy_byte_ps},
    {"fm_send", &Machine::fm_send_ps},
    {"fm_piece", &Machine::fm_piece_ps},
    {"fm_packet", &Machine::fm_packet_ps},
    {"fm_handler", &Machine::fm_handler_ps},
    {"fm_poll", &Machine::fm_poll_ps},
    {"pin", &Machine::pin_ps},
    {"mpi_send", &Machine::mpi_send_ps},
    {"mpi_receive", &Machine::mpi_receive_ps},
};

}  // namespace

int main(int argc, char** argv) {
    const Machine* machine = argc == 2 ? emulator::find_machine(argv[1]) : nullptr;
    if (machine == nullptr) {
        std::fprintf(stderr, "usage: %s MACHINE; there are:\n", argv[0]);
        for (const Machine& each : emulator::machines())
            std::fprintf(stderr, "  %-8s  %s\n", each.name, each.description);
        return 2;
    }
    for (const Field& field : kFields)
        fm_bench::print("constant", std::string("field=") + field.name,
                        static_cast<double>(machine->*field.member) / 1e3, "ns");
    return 0;
}
