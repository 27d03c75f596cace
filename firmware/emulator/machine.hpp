// The machines of modelled time: every timing constant of the emulator is in machine.cpp, with
// where it comes from, and nowhere else. Units in the names; times in picoseconds.
#pragma once

#include <span>
#include <string_view>

#include "firmware/emulator/cable.hpp"

namespace emulator {

struct Machine {
    const char* name = "";         ///< for --machine
    const char* description = "";  ///< for people

    // The board.
    Time cycle_ps =
        30'000;             ///< LANai: one instruction (33 MHz); nullified ones and delay slots too
    Time dma_start_ps = 0;  ///< host DMA: from the store to DMA_CTR to the first word
    Time dma_byte_ps = 0;   ///< host DMA: PCI
    Time rtc_tick_ps = 500'000;

    // The network.
    Time link_byte_ps = 6'250;  ///< 160 MB/s
    Time hop_ps = 100'000;      ///< a switch
    Time cable_ps = 0;          ///< propagation

    // The host's way to the board.
    Time pio_write_start_ps = 0;  ///< first of a burst of combined stores
    Time pio_write_byte_ps = 0;   ///< combined stores
    Time pio_word_ps = 0;         ///< a store that is not combined
    Time pio_read_ps = 0;         ///< a load of a word
    Time poll_ps = 0;             ///< a look at host memory that the board writes (a cache miss)

    // The host's processor: what the software costs that runs there, since that is not emulated.
    Time copy_start_ps = 0;
    Time copy_byte_ps = 0;
    Time fm_send_ps = 0;     ///< FM_begin_message + FM_end_message
    Time fm_piece_ps = 0;    ///< FM_send_piece, for each packet that it puts bytes into
    Time fm_packet_ps = 0;   ///< FM_extract: a packet
    Time fm_handler_ps = 0;  ///< start and end of a handler
    Time fm_poll_ps = 0;     ///< FM_extract that finds nothing
    Time pin_ps = 0;         ///< pin-down cache: a hit
    Time mpi_send_ps = 0;    ///< MPI and engine above FM
    Time mpi_receive_ps = 0;
};

/// All of them; the first is the one that the targets are stated for.
std::span<const Machine> machines();
/// By name; null when there is none.
const Machine* find_machine(std::string_view name);

}  // namespace emulator
