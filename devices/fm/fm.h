/* Fast Messages 2.x: streaming messages on Myrinet, with handlers at the receiver (Pakin, Lauria,
 * Chien, "High performance messaging on workstations: Illinois Fast Messages for Myrinet", SC 1995;
 * Lauria, Pakin, Chien, "Efficient layering for high speed communication: Fast Messages 2.x", HPDC
 * 1998). fm1.h has FM 1.1 on top of it.
 *
 * A message is sent in pieces and received in pieces, of any sizes at both ends. At the receiver
 * FM_extract() runs the message's handler as soon as its first packet is there; FM_receive() in it
 * returns when its bytes have come, and other handlers run meanwhile. Delivery is reliable, and in
 * order between each two nodes. A receiver that does not extract stops its senders, in time, and
 * nobody else.
 *
 * Start programs with `mpirun --device fm`; one that is started alone is a job of one node. Used by
 * one thread at a time.
 */
#ifndef FATHOM_FM_H
#define FATHOM_FM_H

#ifdef __cplusplus
extern "C" {
#endif

typedef unsigned long ULONG;

/* A message being sent, or being received; the latter is valid in its handler only. */
typedef struct FM_stream FM_stream;

/* What a handler returns: FM_QUIT lets FM_extract() return at once. */
enum { FM_CONTINUE = 0, FM_QUIT = 1 };
typedef int FM_handler(FM_stream* stream, unsigned sender);

/* This process's node number, and how many there are: set by FM_initialize(). */
extern ULONG FM_nodeid;
extern ULONG FM_numnodes;

/* --- start and end -------------------------------------------------------------------------- */

enum {
    FM_QUIET = 1,        /* no messages on standard error but fatal ones */
    FM_MAX_HANDLERS = 2, /* int: how many handlers can be registered; 1024 */
    /* Of HPVM's services, which mpirun stands for: taken and ignored. */
    FM_GRM_NAME = 3, /* const char * */
    FM_GRM_PORT = 4, /* int */
    FM_CM_PORT = 5,  /* int */
    FM_KEY_NAME = 6  /* const char * */
};
/* Before FM_initialize(). */
void FM_set_parameter(int parameter, ...);
/* Joins the job. All nodes call it. Ends the program with a message if that cannot be. */
void FM_initialize(void);
/* Waits until all nodes have called it and all that was sent has been extracted; runs handlers
 * meanwhile. */
void FM_finalize(void);

/* Handler ids, not addresses, travel: all nodes give the same handler the same id. FM_ANY_ID: the
 * next free one. Returns the id; an id that is taken gets the new handler. Also before
 * FM_initialize().
 */
#define FM_ANY_ID ((ULONG)-1)
ULONG FM_register_handler(ULONG id, FM_handler* handler);

/* --- send ----------------------------------------------------------------------------------- */

/* Opens a message of at most `length` bytes for handler `handler` of node `recipient`; one is open
 * at a time for each recipient. NULL: one is open already; or this is called in a handler and there
 * is no room for all of the message now, so that waiting might be for ever: send it later, outside.
 * In a handler a long message may never find room. */
FM_stream* FM_begin_message(ULONG recipient, ULONG length, ULONG handler);
/* The next bytes. They must not change until FM_end_message(). More than `length` in all end the
 * program. */
void FM_send_piece(FM_stream* stream, void* buffer, ULONG length);
/* Fewer bytes than `length` are as good. These three may run handlers of other messages if called
 * outside of handlers. */
void FM_end_message(FM_stream* stream);

/* --- receive -------------------------------------------------------------------------------- */

/* Handles what has arrived, until that were about `max_bytes` (whole packets) or a handler returned
 * FM_QUIT. Returns the number of packets, 0 when there was nothing. Does not wait. Called in a
 * handler it does nothing. */
int FM_extract(unsigned max_bytes);
/* In a handler: the next `length` bytes of the message into `buffer` (NULL: they are dropped).
 * Waits for them; other handlers run meanwhile. What a handler does not take is dropped when it
 * returns. Bytes that the message does not have become zero. */
void FM_receive(void* buffer, FM_stream* stream, unsigned length);

/* --- beyond Fast Messages: Fathom's own ----------------------------------------------------- */

/* Bytes that FM_receive() could not fill, as the message ended before: by its sender's mistake, or
 * as the sender is lost. */
ULONG FMX_missing(FM_stream* stream);
/* Sleeps until something may have arrived: for loops around FM_extract() that have nothing else to
 * do. */
void FMX_wait(void);
/* Seconds on this node's clock: modelled time where the emulator models time, else real time. */
double FMX_time(void);
/* This node computes for so many seconds of modelled time, of which the emulator sees nothing; in
 * real time it does nothing. */
void FMX_compute(double seconds);
/* Called when a node is lost: it died, or no way leads to it. Without one the program ends. */
void FMX_on_lost(void (*function)(ULONG node, const char* why));

/* Deposits: a node opens a window over its memory for another one, which then stores into it,
 * without a copy at either end. Addresses, offsets and lengths are multiples of 4. */
typedef struct {
    unsigned key;
    ULONG bytes;
} FMX_window;
/* 0, or -1 when there is no room for it now. */
int FMX_open_window(ULONG node, void* address, ULONG bytes, FMX_window* window);
void FMX_close_window(const FMX_window* window);
/* Stores into the window at `offset`. Returns at once; *done becomes 1 when the source may change
 * again, -1 if it failed. Messages to that node that are begun later arrive after the bytes. -1:
 * the arguments are wrong. */
int FMX_put(ULONG node, const void* from, ULONG bytes, const FMX_window* window, ULONG offset,
            volatile int* done);

#ifdef __cplusplus
}
#endif

#endif
