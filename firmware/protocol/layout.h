/* The bytes that the LANai control program shares with the host and with other boards: SRAM layout,
 * send slots, receive slots, wire header. One header for the firmware, for devices/fm, for the
 * emulator and for the kernel module, hence C.
 *
 * Byte order: every word in SRAM, on the wire, and every word that the firmware writes into host
 * memory is big-endian, the LANai's order. A host goes through fm_be32() for each, and nowhere else.
 * Payload is bytes and is never swapped.
 *
 * Who trusts whom. A process writes its own endpoint's region and nothing else; the driver (the
 * kernel module, or the emulator in its place) writes the private part; the firmware believes what
 * the driver wrote and checks everything else, from processes and from the wire, before each use.
 */
#ifndef FATHOM_FIRMWARE_LAYOUT_H
#define FATHOM_FIRMWARE_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define FM_ASSERT(condition) static_assert(condition, #condition)
#else
#define FM_ASSERT(condition) _Static_assert(condition, #condition)
#endif

/* --- sizes ------------------------------------------------------------------------------------ */

enum {
    FM_LAYOUT_VERSION = 1,
    FM_PAGE_BYTES = 4096,
    FM_ENDPOINTS = 16,    /* per board */
    FM_MAX_NODES = 256,   /* endpoints of one job */
    FM_MAX_BOARDS = 256,  /* of one fabric; board ids are 0..255 */
    FM_SEND_SLOTS = 32,   /* per endpoint */
    FM_SLOT_BYTES = 512,
    FM_INLINE_BYTES = 448,  /* most payload that a send slot holds itself */
    FM_PACKET_BYTES = 4032, /* most payload of a packet to a receive ring: slot, header and footer fit a page */
    FM_DEPOSIT_BYTES = 4096, /* most payload of a deposit packet */
    FM_PAGES = 4096,         /* page table entries per endpoint: 16 MiB registered at a time */
    FM_WINDOWS = 64,         /* deposit windows per endpoint */
    FM_MAX_ROUTE = 15        /* hops */
};

/* --- SRAM --------------------------------------------------------------------------------------
 * Addresses as the LANai sees them. The firmware's text, data, stack and buffers lie below
 * FM_SRAM_PRIVATE; _start is at 0.
 */
#define FM_SRAM_BYTES 0x100000u
#define FM_SRAM_PRIVATE 0x60000u                        /* end of what the image and its bss may use */
#define FM_SRAM_BOARD 0x60000u                          /* struct fm_board_page; driver and firmware */
#define FM_SRAM_COUNTERS 0x61000u                       /* struct fm_counters; hosts read it */
#define FM_SRAM_ROUTES 0x62000u                         /* struct fm_route [FM_MAX_BOARDS] */
#define FM_SRAM_CONTROL 0x63000u                        /* struct fm_endpoint_control [FM_ENDPOINTS] */
#define FM_SRAM_NODES 0x64000u                          /* struct fm_node [FM_ENDPOINTS][FM_MAX_NODES] */
#define FM_SRAM_PAGES 0x6c000u                          /* uint32_t [FM_ENDPOINTS][FM_PAGES] */
#define FM_SRAM_ENDPOINTS 0xb0000u                      /* struct fm_endpoint [FM_ENDPOINTS] */
#define FM_ENDPOINT_BYTES 0x5000u                       /* five pages each, mapped by its process */

/* A page table entry: bus address of the page, bit 0 set when it is valid. Written by the driver. */
#define FM_PAGE_VALID 1u

/* --- private: driver and firmware ------------------------------------------------------------- */

#define FM_MAGIC 0x46415448u /* "FATH": the firmware is up */

/* Commands of the driver, which signals them by ISR_LAN_SIG(FM_COMMAND_SIGNAL). The firmware does one and
 * then stores 0; the result is in `result`. */
enum { FM_COMMAND_SIGNAL = 0 };
enum {
    FM_COMMAND_NONE = 0,
    FM_COMMAND_OPEN = 1,  /* the endpoint's control block, nodes and ring pages are written */
    FM_COMMAND_CLOSE = 2, /* its process is gone: forget its slots, refuse its packets */
    FM_COMMAND_FENCE = 3, /* nothing but the answer: no DMA to a page unmapped before is under way */
    FM_COMMAND_MAP = 4    /* look at the network again, now */
};
enum { FM_RESULT_OK = 0, FM_RESULT_BAD = 1 };

struct fm_board_page {
    uint32_t magic;         /* FM_MAGIC, once the firmware runs */
    uint32_t version;       /* FM_LAYOUT_VERSION */
    uint32_t command;       /* FM_COMMAND_* << 24 | endpoint */
    uint32_t result;        /* FM_RESULT_* of the last command */
    uint32_t board;         /* this board's id; before the start */
    uint32_t flags;         /* FM_BOARD_* ; before the start */
    uint32_t retransmit_us; /* time-out of an unacknowledged packet */
    uint32_t give_up_ms;    /* a packet not acknowledged for so long: the node is dead */
    uint32_t ack_us;        /* an acknowledgement waits at most so long for a packet to ride on */
    uint32_t map_ms;        /* period of looking at the network; 0: on command only */
    uint32_t map_epoch;     /* firmware: increases with each change of routes */
    uint32_t mapper;        /* firmware: id of the board whose map this is */
    uint32_t hosts;         /* firmware: boards that the map has */
    uint32_t switches;      /* firmware: switches that the map has */
    uint32_t reserved[2];
    uint32_t interrupts[FM_ENDPOINTS]; /* firmware: counts; a change says which endpoint to wake */
};
#define FM_BOARD_MAP 1u /* find routes by mapping; else the driver has written the route table */

/* RESERVED: its process has attached but not yet said who its peers are. Peers that know it already
 * may send: such packets are dropped without an answer (no NAK), and their senders try again. */
enum { FM_ENDPOINT_CLOSED = 0, FM_ENDPOINT_OPEN = 1, FM_ENDPOINT_RESERVED = 2 };
struct fm_endpoint_control {
    uint32_t state;      /* driver: FM_ENDPOINT_*; OPEN and CLOSE take effect with the command */
    uint32_t key;        /* of the job; packets with another are refused */
    uint32_t node;       /* this endpoint's number in the job */
    uint32_t nodes;      /* of the job */
    uint32_t ring_slots; /* power of two, 32..1024: pages 0..ring_slots-1 of its page table */
    uint32_t reserved[11];
};

/* A node of the endpoint's job: board << 24 | endpoint << 16. */
struct fm_node {
    uint32_t place;
    uint32_t scratch; /* firmware */
};

/* n route bytes stand in bytes[16-n..15], so that they can be sent from memory; bytes[0] is n,
 * 0: no route known. The board itself has none either: packets to it do not touch the wire. */
struct fm_route {
    uint8_t bytes[16];
};

/* --- counters: free-running, read by anybody -------------------------------------------------- */

struct fm_counters {
    uint32_t sent;             /* packets with a sequence number, first transmission */
    uint32_t received;         /* the same, accepted */
    uint32_t acks_sent;        /* explicit ones */
    uint32_t acks_received;
    uint32_t retransmitted;    /* packets sent again */
    uint32_t timeouts;         /* times that a time-out caused that */
    uint32_t gaps;             /* packets refused because one before them is missing */
    uint32_t duplicates;       /* packets refused because they had been accepted */
    uint32_t crc_errors;
    uint32_t bad_packets;      /* malformed: length, type, kind, endpoint, node */
    uint32_t refused;          /* for no open endpoint, or with another job's key */
    uint32_t ring_full;        /* receive ring without room: the sender tries again */
    uint32_t bad_descriptors;  /* of a process: slot, page, window */
    uint32_t bad_deposits;     /* outside of a window */
    uint32_t deposits;         /* deposit packets accepted */
    uint32_t nodes_lost;       /* channels given up */
    uint32_t link_resets;      /* NRES */
    uint32_t interrupts;       /* of the host */
    uint32_t dma_to_host;      /* transfers, but those of packets that go to the host at once */
    uint32_t dma_from_host;
    uint32_t probes_sent;      /* mapping */
    uint32_t maps;             /* maps completed */
    uint32_t map_packets_bad;
    uint32_t loops;            /* turns of the main loop that found anything but packets and transfers */
};

/* --- the endpoint's region: a process and the firmware ---------------------------------------- */

/* Operations of a send slot. */
enum {
    FM_OP_INLINE = 1, /* a packet: payload in the slot */
    FM_OP_PAGE = 2,   /* a packet: payload in a registered page */
    FM_OP_PUT = 3     /* deposit: from registered pages into a window of the destination */
};

/* The wire header; route bytes come before it, payload and CRC-8 after it. */
struct fm_wire {
    uint32_t type;     /* FM_WIRE_TYPE << 16 | kind << 8 | source endpoint << 4 | destination endpoint */
    uint32_t key;      /* of the job */
    uint32_t source;   /* source board << 24 | source node << 16 | sequence number */
    uint32_t length;   /* payload bytes << 16 | acknowledgement: next sequence number expected */
    uint32_t user[2];  /* the host's, carried; of a deposit: window key, offset in the window */
};

/* Types of Myrinet packets: the first two bytes after the route. */
enum { FM_WIRE_TYPE = 0x0f4d, FM_WIRE_TYPE_MAP = 6, FM_WIRE_TYPE_PROBE = 7 };

/* Kinds of FM packets. DATA and DEPOSIT have sequence numbers, per (source endpoint,
 * destination endpoint). */
enum {
    FM_KIND_DATA = 1,
    FM_KIND_DEPOSIT = 2,
    FM_KIND_ACK = 3,   /* length 0; the acknowledgement counts */
    FM_KIND_GAP = 4,   /* an acknowledgement that also says: what follows it came, but out of order */
    FM_KIND_NAK = 5,   /* no such endpoint, or deposit refused; user[0] = FM_NAK_* */
    FM_KIND_EVENT = 6, /* never on the wire: the firmware tells its own host; user[0] = FM_EVENT_* */
    FM_KIND_ASK = 7    /* an acknowledgement that also asks for one, at once */
};
enum { FM_NAK_CLOSED = 1, FM_NAK_DEPOSIT = 2 };
enum {
    FM_EVENT_NODE_LOST = 1,   /* user[1] = node: it is dead or unreachable; its slots are completed */
    FM_EVENT_BAD_SLOT = 2,    /* user[1] = slot number (free-running, 16 bits): it made no sense */
    FM_EVENT_PUT_REFUSED = 3  /* user[1] = node */
};

/* A send slot. The process writes everything up to the payload's end, then (after a store fence)
 * `lap`, which hands the slot over: slot i of lap l is number n = l * FM_SEND_SLOTS + i, and its lap
 * word is l + 1. The firmware counts what is acknowledged, in order of slots, in `send_done`. Until
 * then the slot, and the pages that it names, belong to the firmware. */
struct fm_slot {
    uint32_t lap;
    uint32_t command;       /* FM_OP_* << 24 | destination node */
    uint32_t length;        /* bytes; of a put the whole, a multiple of 4 */
    uint32_t page;          /* FM_OP_PAGE, FM_OP_PUT: index of the (first) page in the page table */
    uint32_t offset;        /* byte in that page, a multiple of 4 */
    uint32_t window;        /* FM_OP_PUT: key of the window at the destination */
    uint32_t window_offset; /* FM_OP_PUT: byte in it, a multiple of 4 */
    uint32_t reserved[3];
    struct fm_wire wire;    /* the process writes user[] alone, of FM_OP_INLINE and FM_OP_PAGE */
    uint8_t payload[FM_INLINE_BYTES];
};

/* A place that one peer may deposit into. `key`'s low six bits are the window's index; 0 in `key`
 * means closed, and is stored before the rest is changed. The length bounds the deposits. A key
 * names one window only, as the firmware remembers what it found there. */
struct fm_window {
    uint32_t key;
    uint32_t page;   /* source node << 16 | index of its first page */
    uint32_t offset; /* byte in the first page, a multiple of 4 */
    uint32_t length; /* bytes */
};

struct fm_endpoint {
    /* Written by the process. */
    uint32_t consumed;  /* receive slots given back: free-running */
    uint32_t interrupt; /* 1: raise an interrupt at the next event, then the firmware stores 0 */
    uint32_t reserved0[254];
    struct fm_window windows[FM_WINDOWS];
    /* Written by the firmware. */
    uint32_t send_done; /* send slots completed: free-running */
    uint32_t reserved1[511];
    struct fm_slot slots[FM_SEND_SLOTS];
};

/* --- receive ring, in host memory ---------------------------------------------------------------
 * Slot i is page i of the endpoint's page table. A packet lies at the page's end: wire header,
 * payload rounded up to 4 bytes, footer; so one DMA in ascending addresses writes the footer last.
 * Packet number n (free-running) is in slot n mod ring_slots and its lap is n / ring_slots + 1.
 */
struct fm_footer {
    uint32_t length; /* payload bytes << 16 | low 16 bits of send_done */
    uint32_t lap;
};

/* --- checks ------------------------------------------------------------------------------------- */

FM_ASSERT(sizeof(struct fm_board_page) == 128 && sizeof(struct fm_counters) <= FM_PAGE_BYTES);
FM_ASSERT(sizeof(struct fm_endpoint_control) == 64 && sizeof(struct fm_node) == 8);
FM_ASSERT(sizeof(struct fm_wire) == 24 && sizeof(struct fm_footer) == 8);
FM_ASSERT(sizeof(struct fm_slot) == FM_SLOT_BYTES && offsetof(struct fm_slot, wire) == 40);
FM_ASSERT(offsetof(struct fm_slot, payload) == 64 && sizeof(struct fm_window) == 16);
FM_ASSERT(offsetof(struct fm_endpoint, windows) == 1024 && offsetof(struct fm_endpoint, send_done) == 2048);
FM_ASSERT(offsetof(struct fm_endpoint, slots) == FM_PAGE_BYTES);
FM_ASSERT(sizeof(struct fm_endpoint) == FM_ENDPOINT_BYTES);
FM_ASSERT(FM_SRAM_NODES + FM_ENDPOINTS * FM_MAX_NODES * sizeof(struct fm_node) <= FM_SRAM_PAGES);
FM_ASSERT(FM_SRAM_PAGES + FM_ENDPOINTS * FM_PAGES * 4 <= FM_SRAM_ENDPOINTS);
FM_ASSERT(FM_SRAM_ENDPOINTS + FM_ENDPOINTS * FM_ENDPOINT_BYTES <= FM_SRAM_BYTES);
FM_ASSERT(sizeof(struct fm_wire) + FM_PACKET_BYTES + sizeof(struct fm_footer) <= FM_PAGE_BYTES);

/* Host order to board order and back. */
static inline uint32_t fm_be32(uint32_t word) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return word;
#else
    return __builtin_bswap32(word);
#endif
}
/* Two words that follow one another, for one store. */
static inline uint64_t fm_be32_pair(uint32_t first, uint32_t second) {
    uint64_t const both = (uint64_t)first << 32 | second;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return both;
#else
    return __builtin_bswap64(both);
#endif
}

#endif
