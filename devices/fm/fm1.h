/* Fast Messages 1.1, on FM 2.x: short messages of four words and long ones of a buffer, each
 * handled when it is there as a whole.
 *
 * FM_set_parameter, FM_initialize, FM_finalize are those of fm.h. As ids, not addresses, travel,
 * handlers are registered first, on all nodes alike. A program includes this header or fm.h's
 * FM_extract(), not both: here it has no argument.
 */
#ifndef FATHOM_FM1_H
#define FATHOM_FM1_H

#include "fm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef void FM_handler_4(int i0, int i1, int i2, int i3);
/* The buffer is the handler's until it returns. */
typedef void FM_handler_buffer(void* buffer, int bytes);

/* As FM_register_handler(), from the same numbers. */
ULONG FM_register_handler_4(ULONG id, FM_handler_4* handler);
ULONG FM_register_handler_buffer(ULONG id, FM_handler_buffer* handler);

/* Return when the bytes may change. Called in a handler they return -1 if there is no room now,
 * else 0. */
int FM_send_4(ULONG dest, ULONG handler, int i0, int i1, int i2, int i3);
int FM_send(ULONG dest, ULONG handler, const void* buffer, ULONG bytes);

/* Handles all that has arrived. */
#define FM_extract() (FM_extract)(~0U)

#ifdef __cplusplus
}
#endif

#endif
