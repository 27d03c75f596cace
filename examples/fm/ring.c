/* ring: a token of four words walks around all nodes, in the handlers alone; then a list that every
 * node makes longer. FM 1.1.
 *
 *   cc -O2 ring.c -lfm -o ring && mpirun --device fm -n 4 ./ring
 *
 * Shows FM_send_4 and FM_send: messages are handled when they are there as a whole, and a handler
 * may send, if there is room; if not it must not wait, and the program sends later.
 */
#include <fm1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAPS = 50, WORDS_EACH = 1000 };

static ULONG token_handler, list_handler, next;
static int laps, wrong;
static int* list; /* what came last, as the handler's buffer is given back */
static int list_words = -1;

static struct { int is_here, lap, sum, hops; } held; /* a token that found no room */

static void pass_token(int lap, int sum, int hops) {
    held.is_here = FM_send_4(next, token_handler, lap, sum, hops, 0) != 0;
    held.lap = lap;
    held.sum = sum;
    held.hops = hops;
}

static void on_token(int lap, int sum, int hops, int unused) {
    (void)unused;
    laps = lap;
    if (FM_nodeid == 0) {
        if (hops != lap * (int)FM_numnodes) wrong++;
        if (sum != lap * (int)(FM_numnodes * (FM_numnodes - 1) / 2)) wrong++;
        if (++lap > LAPS) return;
    }
    pass_token(lap, sum + (int)FM_nodeid, hops + 1);
}

static void extract(void) {
    if (FM_extract() == 0) FMX_wait();
    if (held.is_here) pass_token(held.lap, held.sum, held.hops);
}

static void on_list(void* buffer, int bytes) {
    list = malloc((size_t)bytes + WORDS_EACH * sizeof(int));
    memcpy(list, buffer, (size_t)bytes);
    list_words = bytes / (int)sizeof(int);
}

/* This node's part behind what came, and on to the next. Long messages are sent outside of
 * handlers. */
static void lengthen_list(void) {
    for (int i = 0; i < WORDS_EACH; i++) list[list_words + i] = (int)FM_nodeid * WORDS_EACH + i;
    FM_send(next, list_handler, list, (ULONG)(list_words + WORDS_EACH) * sizeof(int));
    free(list);
}

static void wait_for_list(void) {
    while (list_words < 0) extract();
}

int main(void) {
    FM_initialize();
    token_handler = FM_register_handler_4(FM_ANY_ID, on_token);
    list_handler = FM_register_handler_buffer(FM_ANY_ID, on_list);
    next = (FM_nodeid + 1) % FM_numnodes;

    if (FM_nodeid == 0) {
        pass_token(1, 0, 1);
        while (laps < LAPS) extract();
        list = malloc(WORDS_EACH * sizeof(int));
        list_words = 0;
        lengthen_list();
        list_words = -1;
        wait_for_list();
        if (list_words != (int)FM_numnodes * WORDS_EACH) wrong++;
        for (int i = 0; i < list_words; i++)
            if (list[i] != i) wrong++;
        free(list);
        printf("ring: %lu nodes, %d laps, a list of %d words\n", FM_numnodes, laps, list_words);
    } else {
        wait_for_list();
        lengthen_list();
    }

    FM_finalize();
    if (wrong > 0) fprintf(stderr, "node %lu: %d times wrong\n", FM_nodeid, wrong);
    return wrong == 0 ? 0 : 1;
}
