/* How a host process reaches an emulated board: messages over a local socket, and what the two
 * share in memory. The emulator is here what the kernel module is for a board: the driver. Host
 * order.
 *
 * The socket is SOCK_SEQPACKET in the abstract namespace (no file to leave behind); one message of
 * the client, one answer, in turn. The emulator refuses processes of other users (SO_PEERCRED) and
 * closes the endpoint when the socket closes: that is how a killed process is noticed.
 */
#ifndef FATHOM_FIRMWARE_ATTACH_H
#define FATHOM_FIRMWARE_ATTACH_H

#include "firmware/protocol/layout.h"

enum { FM_ATTACH_VERSION = 1, FM_WORKS = 8 };

enum {
    FM_ATTACH_OPEN = 1,  /* argument: node; key, nodes, ring_slots, staging_pages are set */
    FM_ATTACH_NODES = 2, /* places[nodes]; opens the endpoint for traffic */
    FM_ATTACH_PIN = 3,   /* address, bytes: pages to register; answer: index of the first */
    FM_ATTACH_UNPIN = 4 /* argument: index of the first; address and bytes as given to PIN. When the
                           answer is here, no DMA touches the pages any more */
};

/* Answers' `status`. */
enum {
    FM_ATTACH_OK = 0,
    FM_ATTACH_BAD = 1,   /* the request makes no sense; `text` says what */
    FM_ATTACH_FULL = 2,  /* no endpoint, or no page table entries, left */
    FM_ATTACH_DENIED = 3 /* the system does not let the emulator reach this process's memory */
};

struct fm_attach_request {
    uint32_t version; /* FM_ATTACH_VERSION */
    uint32_t op;
    uint32_t argument;
    uint32_t key;           /* of the job */
    uint32_t nodes;         /* of the job */
    uint32_t ring_slots;    /* power of two, 32..1024 */
    uint32_t staging_pages; /* pages after the ring's that the process fills for FM_OP_PAGE */
    uint32_t board; /* OPEN: board wanted, or ~0: the emulator places node n of N in blocks */
    uint64_t address;
    uint64_t bytes;
    uint32_t places[FM_MAX_NODES]; /* board << 24 | endpoint << 16 */
};

/* The answer to OPEN carries four descriptors (SCM_RIGHTS): the endpoint's region
 * (FM_ENDPOINT_BYTES), the counters' page (read only), the host area, the fabric page. */
struct fm_attach_answer {
    uint32_t status;
    uint32_t argument;
    uint32_t board;
    uint32_t endpoint;
    uint32_t boards; /* of the fabric */
    uint32_t timed;  /* 1: modelled time; the clock in fm_host_status rules */
    char text[104];
};

/* The host area: this page, then ring_slots pages of receive ring, then staging_pages pages. Ring
 * and staging are pages 0.. of the endpoint's page table. All zero at first. */
struct fm_host_status {
    uint32_t events; /* futex; the driver adds 1 at each interrupt of the endpoint, and wakes */
    uint32_t dead;   /* 1: the emulator is going away */
    /* Modelled time (firmware/emulator/lockstep.hpp). In picoseconds since the start. */
    uint32_t state;    /* FM_HOST_*; futex for the process to sleep on while WAITING or JOINING */
    uint32_t asleep;   /* the process: 1 while it sleeps, or is about to, on state or fabric_ps */
    uint64_t clock_ps; /* its own time, never decreases: the process's while RUNNING or AWAY, the
                          emulator's while WAITING or JOINING */
    uint64_t
        fabric_ps;    /* the emulator: everything before this has happened; futex on its low word */
    uint32_t written; /* the emulator counts what releases a process from WAITING, whether it waits
                         or not: one that has not looked since does not begin to wait */
    uint32_t reserved;
};
enum {
    FM_HOST_AWAY = 0,    /* not concerned with the board now: time goes on without it. The emulator
                            makes that of RUNNING when a clock does not move for 2 s */
    FM_HOST_RUNNING = 1, /* will access the board at clock_ps or later: time stops there */
    FM_HOST_WAITING = 2, /* will do nothing until something is written into its host area or its
                            pages, or its endpoint's send_done changes; the emulator then sets
                            clock_ps, and RUNNING */
    FM_HOST_JOINING = 3  /* was AWAY, or was called back from WAITING: the emulator sets clock_ps to
                            the time that it is, and RUNNING, as soon as it sees this */
};

/* Modelled time: what the process did, for the emulator's trace; at FM_HOST_TRACE in the host area's
 * first page. The process stores an event, then `head`, and leaves out what there is no room for. */
enum { FM_HOST_TRACE = 2048, FM_TRACE_EVENTS = 64 };
enum { /* fm_trace_event.what: Clock::Work, or one of these */
    FM_TRACE_COPY = FM_WORKS,
    FM_TRACE_COMPUTE,
    FM_TRACE_PIO_WRITE,
    FM_TRACE_PIO_WORD,
    FM_TRACE_PIO_READ,
    FM_TRACE_KINDS
};
struct fm_trace_event {
    uint64_t begin_ps;
    uint32_t lasts_ps;
    uint16_t what;
    uint16_t bytes; /* at most 65535 are told */
};
struct fm_host_trace {
    uint32_t on;   /* the emulator, before the process sees the page: 1, somebody reads it */
    uint32_t head; /* the process: events stored, free-running */
    uint32_t tail; /* the emulator: events taken */
    uint32_t reserved;
    struct fm_trace_event events[FM_TRACE_EVENTS];
};

/* What the machine that is modelled takes for what its processor does; picoseconds. The board's and
 * the network's own times are the emulator's business. */
struct fm_host_costs {
    uint64_t pio_write_start; /* first of a burst of combined stores */
    uint64_t pio_write_byte;
    uint64_t pio_word; /* a store that is not combined */
    uint64_t pio_read; /* a load of a word */
    uint64_t poll;     /* a look at host memory that the board writes */
    uint64_t copy_start;
    uint64_t copy_byte;
    uint64_t work[FM_WORKS]; /* by Clock::Work (devices/fm/board.hpp) */
};

/* The word of a counter in shared memory that changes with each step: a futex is 32 bits. */
static inline uint32_t* fm_low_word(uint64_t* counter) {
    uint32_t* words = (uint32_t*)counter;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return words + 1;
#else
    return words;
#endif
}

/* One per emulator, shared by all its clients. */
struct fm_fabric_page {
    uint32_t sleeping; /* futex; 1: the emulator sleeps, who stores into a board's SRAM, or moves
                          its clock, stores 0 and wakes it */
    uint32_t reserved;
    struct fm_host_costs costs; /* written by the emulator alone, before anybody attaches */
};

#endif
