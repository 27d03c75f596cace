// Where the figures come from. Each constant is one of
//   [hw]    a clock, a width or a rate of the hardware, from its documentation;
//   [pub]   measured and published for that machine;
//   [count] our own library's instructions (Counts below), at 0.8 clocks each: a P6 retires three
//           a clock at most, and about one and a quarter of integer code that stays in its caches;
//   [fit]   not published: chosen so that one published figure, which is named, comes out; whether
//           the others then do, test/bench/fm/papers shows.
// A machine named after a paper carries that paper's host software in its overheads, for the
// paper's own control program (firmware/papers); the hardware rows are those of the plain machine.
// Nothing else in the emulator knows a time.
#include "firmware/emulator/machine.hpp"

#include <array>

namespace emulator {

namespace {

// Instructions of our library for 8 bytes, release build, x86-64, by callgrind (--toggle-collect on
// the call, 1000 calls). FM: a program alone, on the loopback board, which is not counted. MPI:
// MPI_Send and MPI_Recv of a ping-pong, without what FM's own constants stand for, the board and
// its clock. memcpy is not in them: copies have constants of their own.
struct Counts {
    static constexpr Time kFmSend = 86;     // FM_begin_message 75, FM_end_message 11
    static constexpr Time kFmPiece = 101;   // FM_send_piece that fills a slot; for each slot
    static constexpr Time kFmPacket = 179;  // FM_extract of one packet, until the handler is sought
    static constexpr Time kFmHandler = 59;  // its start and end 24, one FM_receive 35
    static constexpr Time kFmPoll = 59;     // FM_extract that finds nothing
    static constexpr Time kPin = 100;       // PinCache::hold
    // 265 in all: the engine goes past FM's C functions, 105 instead of kFmSend + kFmPiece.
    static constexpr Time kMpiSend = 78;
    static constexpr Time kMpiReceive = 583;  // 762 in all, less kFmPacket
};

// Our library on a processor of that clock.
constexpr void count_instructions(Machine& m, Time mhz) {
    const auto time = [mhz](Time instructions) { return instructions * 800'000 / mhz; };
    m.fm_send_ps = time(Counts::kFmSend);
    m.fm_piece_ps = time(Counts::kFmPiece);
    m.fm_packet_ps = time(Counts::kFmPacket);
    m.fm_handler_ps = time(Counts::kFmHandler);
    m.fm_poll_ps = time(Counts::kFmPoll);
    m.pin_ps = time(Counts::kPin);
    m.mpi_send_ps = time(Counts::kMpiSend);
    m.mpi_receive_ps = time(Counts::kMpiReceive);
}

// 200 MHz Pentium Pro, 440FX, PCI 32 bit/33 MHz, LANai 4.1 at 33 MHz, first SAN generation links:
// the machine of BIP, of FM 2.0 and of the comparison study (Araki et al., SC'98).
constexpr Machine ppro200() {
    Machine m;
    m.name = "ppro200";
    m.description = "200 MHz Pentium Pro, PCI 132 MB/s, LANai 4.x at 33 MHz, our own library";
    m.cycle_ps = 30'303;  // [hw] 33 MHz, one instruction a cycle
    m.dma_start_ps =
        364'000;              // [fit] 12 PCI clocks: arbitration, address, the chipset's first word
    m.dma_byte_ps = 7'576;    // [hw] 132 MB/s
    m.rtc_tick_ps = 500'000;  // [hw]
    m.link_byte_ps = 6'250;   // [hw] 1.28 Gbit/s each way
    m.hop_ps = 100'000;       // [hw] Myricom's switches, cut-through, a little under
    m.cable_ps = 15'000;      // [hw] 3 m at 5 ns/m
    m.pio_write_start_ps = 60'000;  // [hw] two PCI clocks: arbitration and address
    m.pio_write_byte_ps = 12'500;   // [pub] 80 MB/s write-combined
    m.pio_word_ps = 120'000;        // [hw] four PCI clocks: a posted write of one word
    m.pio_read_ps = 500'000;        // [pub] a load over PCI stalls the processor
    m.poll_ps = 200'000;            // [hw] a miss to EDO memory, 40 processor clocks
    m.copy_start_ps = 60'000;       // [count] call and set-up of memcpy: 12 clocks
    m.copy_byte_ps = 5'556;         // [pub] 180 MB/s
    count_instructions(m, 200);
    return m;
}

// 300 MHz Pentium II, 440LX, SDRAM: the machine of HPVM and FM 2.1. The board is the same.
constexpr Machine pii300() {
    Machine m = ppro200();
    m.name = "pii300";
    m.description = "300 MHz Pentium II, PCI 132 MB/s, LANai 4.x at 33 MHz, our own library";
    m.pio_write_byte_ps = 10'000;  // [fit] 100 MB/s: FM 2.1's peak is bound by it
    m.poll_ps = 150'000;           // [hw] a miss to SDRAM
    m.copy_byte_ps = 4'545;        // [fit] 220 MB/s
    m.copy_start_ps = 40'000;
    count_instructions(m, 300);
    return m;
}

// FM 2.1 and MPI-FM 2.0 on that machine: 9 us, 92 MB/s, N1/2 256 B; 13 us, 91 MB/s.
constexpr Machine fm2() {
    Machine m = pii300();
    m.name = "fm2";
    m.description = "pii300 with the host overheads of FM 2.1 and MPI-FM 2.0";
    m.fm_send_ps = 2'250'000;  // [fit] N1/2 of FM 2.1, and 43 MB/s at 256 B
    m.fm_piece_ps = 150'000;   // [fit] its peak, with pii300's pio_write_byte
    m.fm_packet_ps = 600'000;  // [fit] its latency: this and the handler together
    m.fm_handler_ps = 1'400'000;
    m.fm_poll_ps = 200'000;     // a third of fm_packet: it passes while the host waits
    m.mpi_send_ps = 1'500'000;  // [fit] MPI-FM's latency: MPICH's upper half, on both sides
    m.mpi_receive_ps = 1'500'000;
    return m;
}

// BIP 0.92: 4.3 us, 126 MB/s, N1/2 4096 B. No handlers, no matching: a receive names its buffer.
constexpr Machine bip() {
    Machine m = ppro200();
    m.name = "bip";
    m.description = "ppro200 with the host overheads of BIP 0.92";
    m.fm_send_ps = 150'000;    // [fit] latency: bip_send, 30 clocks
    m.fm_packet_ps = 100'000;  // [fit] latency: bip_recv that finds its message
    m.fm_poll_ps = 50'000;     // [fit] latency: and that finds none
    m.pin_ps = 300'000;        // a look-up in a table of pages: 60 clocks
    return m;
}

// FM 1.x: SPARCstation 20, SBus at 25 MHz, LANai 2.3, links of 640 Mbit/s. 14 us, 17.6 MB/s, N1/2
// 54 B. (Pakin, Lauria, Chien, SC'95; FM 1.1 for latency and bandwidth.)
constexpr Machine sparc20() {
    Machine m;
    m.name = "sparc20";
    m.description = "SPARCstation 20, SBus, LANai 2.3, with the host overheads of FM 1.1";
    m.cycle_ps = 40'000;       // [hw] 25 MHz, SBus clock
    m.dma_start_ps = 400'000;  // [fit] ten SBus clocks
    m.dma_byte_ps = 18'500;    // [pub] 54 MB/s, bursts of 64 bytes
    m.rtc_tick_ps = 500'000;
    m.link_byte_ps = 12'500;  // [hw] 640 Mbit/s
    m.hop_ps = 350'000;       // [pub] 0.35 to 0.55 us through the first switches
    m.cable_ps = 15'000;
    m.pio_write_start_ps = 0;
    m.pio_write_byte_ps = 41'800;  // [pub] 23.9 MB/s by double-word stores
    m.pio_word_ps = 250'000;       // [fit]
    m.pio_read_ps = 1'000'000;     // [fit] a load over SBus stalls
    m.poll_ps = 300'000;           // [hw] a miss to memory
    m.copy_start_ps = 200'000;
    m.copy_byte_ps = 16'700;     // [fit] 60 MB/s
    m.fm_send_ps = 1'600'000;    // [fit] N1/2
    m.fm_piece_ps = 600'000;     // [fit] peak
    m.fm_packet_ps = 1'200'000;  // [fit] latency: this and the handler together
    m.fm_handler_ps = 2'400'000;
    m.fm_poll_ps = 300'000;
    m.pin_ps = 1'000'000;
    m.mpi_send_ps = 5'000'000;  // [fit] MPI-FM 1.0 over MPICH's ADI
    m.mpi_receive_ps = 5'000'000;
    return m;
}

constexpr std::array kMachines = {ppro200(), pii300(), fm2(), bip(), sparc20()};

}  // namespace

std::span<const Machine> machines() {
    return kMachines;
}

const Machine* find_machine(std::string_view name) {
    for (const Machine& machine : kMachines)
        if (name == machine.name) return &machine;
    return nullptr;
}

}  // namespace emulator
