/* put: nodes deposit into each other's memory, without a copy and without the receiver's help.
 *
 *   cc -O2 put.c -lfm -o put && mpirun --device fm -n 4 ./put
 *
 * Shows Fathom's windows beyond FM 2.x: the receiver opens one for its neighbour and tells it by a
 * message; the neighbour puts, and a message that it sends afterwards arrives after the bytes.
 */
#include <fm.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS = 300000, ROUNDS = 4 };

static FMX_window window; /* of the next node's memory */
static int windows, deposits;

static int on_window(FM_stream* stream, unsigned sender) {
    (void)sender;
    FM_receive(&window, stream, sizeof window);
    windows++;
    return FM_CONTINUE;
}

static int on_deposit(FM_stream* stream, unsigned sender) {
    (void)stream, (void)sender;
    deposits++;
    return FM_CONTINUE;
}

static void tell(ULONG node, ULONG handler, void* bytes, ULONG length) {
    FM_stream* stream;
    while ((stream = FM_begin_message(node, length, handler)) == NULL) FM_extract(~0U);
    FM_send_piece(stream, bytes, length);
    FM_end_message(stream);
}

static void wait_for(volatile int* value, int least) {
    while (*value < least)
        if (FM_extract(~0U) == 0) FMX_wait();
}

static int word(ULONG node, int round, int i) {
    return (int)node * 7 + round * 1000003 + i * 3;
}

int main(void) {
    FM_initialize();
    ULONG window_handler = FM_register_handler(FM_ANY_ID, on_window);
    ULONG deposit_handler = FM_register_handler(FM_ANY_ID, on_deposit);
    ULONG next = (FM_nodeid + 1) % FM_numnodes;
    ULONG previous = (FM_nodeid + FM_numnodes - 1) % FM_numnodes;
    int* from = malloc(WORDS * sizeof(int));
    int* to = calloc(WORDS, sizeof(int));
    int wrong = 0;

    for (int round = 0; round < ROUNDS; round++) {
        FMX_window mine;
        volatile int done;
        for (int i = 0; i < WORDS; i++) from[i] = word(FM_nodeid, round, i);
        if (FMX_open_window(previous, to, WORDS * sizeof(int), &mine) != 0) return 1;
        tell(previous, window_handler, &mine, sizeof mine);
        wait_for(&windows, round + 1);
        if (FMX_put(next, from, WORDS * sizeof(int), &window, 0, &done) != 0) return 1;
        tell(next, deposit_handler, NULL, 0);
        wait_for(&deposits, round + 1);
        FMX_close_window(&mine);
        for (int i = 0; i < WORDS; i++)
            if (to[i] != word(previous, round, i)) wrong++;
        while (done == 0) FM_extract(~0U); /* only then may `from` change */
        if (done < 0) wrong++;
    }

    FM_finalize();
    free(from);
    free(to);
    if (wrong > 0) fprintf(stderr, "node %lu: %d words are wrong\n", FM_nodeid, wrong);
    if (FM_nodeid == 0 && wrong == 0)
        printf("put: %lu nodes, %d deposits of %zu bytes each\n", FM_numnodes, ROUNDS,
               WORDS * sizeof(int));
    return wrong == 0 ? 0 : 1;
}
