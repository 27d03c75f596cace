/* Packets with which boards find routes: probes (type 7) and maps (type 6) of layout.h. Words are
 * big-endian, as everywhere on the wire; a receiver checks every field before it believes any.
 *
 * A route byte is FM_ROUTE_BIT | delta mod 64: a switch strips it and sends the packet out of port
 * (port it came in by) + delta. Nobody knows the number of a port, differences are enough. A packet
 * whose route turns round (delta 0) and goes back the way it came (deltas negated, in reverse)
 * returns to its sender: so a switch is seen, which itself says nothing.
 */
#ifndef FATHOM_FIRMWARE_MAP_FORMAT_H
#define FATHOM_FIRMWARE_MAP_FORMAT_H

#include "firmware/protocol/layout.h"

enum {
    FM_MAP_VERSION = 1,
    FM_MAP_CHUNK = 16,    /* boards in one ROUTES packet */
    FM_MAP_SWITCHES = 64, /* most that a map has */
    FM_MAP_PORTS = 32,    /* most that a switch has */
    FM_ROUTE_BIT = 0x80,
    FM_ROUTE_MASK = 0x3f
};

/* Kinds. TURN, HOST and ANSWER are of type FM_WIRE_TYPE_PROBE, the others of FM_WIRE_TYPE_MAP. */
enum {
    FM_MAP_TURN = 1,   /* comes back to its sender, or never */
    FM_MAP_HOST = 2,   /* who is there? Only a board that maps asks. Answer by `back` */
    FM_MAP_ANSWER = 3, /* the sender is there; `map` is the one that it has routes of */
    FM_MAP_ROUTES = 4, /* a part of the receiver's route table: struct fm_map_routes */
    FM_MAP_ACK = 5,    /* of a ROUTES or SUSPECT: the same sequence number */
    FM_MAP_SUSPECT = 6 /* to the mapper: `subject` does not answer me */
};

/* Of ANSWER. */
enum { FM_MAP_CAN_MAP = 1 };

struct fm_map_packet {
    uint32_t type;        /* FM_WIRE_TYPE_* << 16 | kind << 8 | FM_MAP_VERSION */
    uint32_t sender;      /* sending board << 24 | subject, a board << 16 | flags FM_MAP_* */
    uint32_t sequence;    /* of the request; an answer has the request's */
    uint32_t map;         /* mapping board << 24 | number of its map; 0: none */
    struct fm_route back; /* the receiver's route to the sender; of HOST and ROUTES, else zero */
};

/* The map is complete when all parts have come that contain a board of `present`; boards that are
 * not there lose their routes. */
struct fm_map_routes {
    struct fm_map_packet head;
    uint32_t part;                        /* first board << 24 | number of switches */
    uint32_t present[FM_MAX_BOARDS / 32]; /* board b: bit b mod 32 of word b / 32 */
    struct fm_route routes[FM_MAP_CHUNK];
};

FM_ASSERT(sizeof(struct fm_map_packet) == 32 && sizeof(struct fm_map_routes) == 68 + 256);

#endif
