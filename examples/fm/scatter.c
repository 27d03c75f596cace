/* scatter: a matrix goes to the next node row by row, without being packed, and its handler there
 * puts each row where it belongs, transposed or not as the header says.
 *
 *   cc -O2 scatter.c -lfm -o scatter && mpirun --device fm -n 4 ./scatter
 *
 * Shows what the handler of the FM 2.x paper shows: the header is read first and decides where the
 * rest goes; gather at the sender, scatter at the receiver, pieces that do not match; and a handler
 * that runs while its message is still coming.
 */
#include <fm.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 40, COLUMNS = 90, ROUNDS = 25 };

struct header {
    int rows, columns, round, transposed;
};

static double landed[ROWS * COLUMNS];
static int finished; /* messages that were handled */
static int wrong;

static double element(unsigned node, int round, int row, int column) {
    return node * 1e6 + round * 1e4 + row * 100 + column;
}

static int scatter(FM_stream* stream, unsigned sender) {
    struct header h;
    FM_receive(&h, stream, sizeof h);
    if (h.rows != ROWS || h.columns != COLUMNS) {
        wrong++;
        return FM_CONTINUE; /* the rest is dropped */
    }
    for (int row = 0; row < h.rows; row++) {
        if (!h.transposed) {
            FM_receive(&landed[row * COLUMNS], stream, COLUMNS * sizeof(double));
            continue;
        }
        for (int column = 0; column < h.columns; column++)
            FM_receive(&landed[column * ROWS + row], stream, sizeof(double));
    }
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < COLUMNS; column++) {
            double got = landed[h.transposed ? column * ROWS + row : row * COLUMNS + column];
            if (got != element(sender, h.round, row, column)) wrong++;
        }
    finished++;
    return FM_CONTINUE;
}

int main(void) {
    static double padded[ROWS][COLUMNS + 7]; /* rows do not follow each other in memory */
    FM_initialize();
    ULONG handler = FM_register_handler(FM_ANY_ID, scatter);
    ULONG next = (FM_nodeid + 1) % FM_numnodes;
    ULONG bytes = sizeof(struct header) + ROWS * COLUMNS * sizeof(double);

    for (int round = 0; round < ROUNDS; round++) {
        struct header h = {ROWS, COLUMNS, round, round % 2};
        for (int row = 0; row < ROWS; row++)
            for (int column = 0; column < COLUMNS; column++)
                padded[row][column] = element((unsigned)FM_nodeid, round, row, column);
        FM_stream* stream;
        while ((stream = FM_begin_message(next, bytes, handler)) == NULL) FM_extract(~0U);
        FM_send_piece(stream, &h, sizeof h);
        for (int row = 0; row < ROWS; row++)
            FM_send_piece(stream, padded[row], COLUMNS * sizeof(double));
        FM_end_message(stream);
        while (finished <= round)
            if (FM_extract(~0U) == 0) FMX_wait();
    }

    FM_finalize();
    if (wrong > 0) fprintf(stderr, "node %lu: %d elements are wrong\n", FM_nodeid, wrong);
    if (FM_nodeid == 0 && wrong == 0)
        printf("scatter: %lu nodes, %d matrices each, all in place\n", FM_numnodes, finished);
    return wrong == 0 && finished == ROUNDS ? 0 : 1;
}
