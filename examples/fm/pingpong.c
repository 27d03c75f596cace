/* pingpong: nodes 0 and 1 throw messages back and forth; latency and bandwidth by message size.
 *
 *   cc -O2 pingpong.c -lfm -o pingpong && mpirun --device fm -n 2 ./pingpong
 *
 * Shows FM's clock: with `mpirun --fm-machine NAME` the figures are those of the machine that is
 * modelled. The answer is sent outside of the handler, since a handler may find no room for it.
 */
#include <fm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 65536 };

static unsigned char buffer[LARGEST];
static ULONG handler;
static int arrived;

static int land(FM_stream* stream, unsigned sender) {
    (void)sender;
    unsigned length;
    FM_receive(&length, stream, sizeof length);
    if (length > LARGEST) return FM_CONTINUE;
    FM_receive(buffer, stream, length);
    arrived++;
    return FM_CONTINUE;
}

static void throw_to(ULONG node, unsigned length) {
    FM_stream* stream;
    while ((stream = FM_begin_message(node, sizeof length + length, handler)) == NULL)
        FM_extract(~0U);
    FM_send_piece(stream, &length, sizeof length);
    FM_send_piece(stream, buffer, length);
    FM_end_message(stream);
}

static void catch_one(void) {
    for (int before = arrived; arrived == before;)
        if (FM_extract(~0U) == 0) FMX_wait();
}

/* Seconds for a number of rounds; node 0 begins. */
static double play(unsigned length, int rounds) {
    double start = FMX_time();
    for (int round = 0; round < rounds; round++) {
        if (FM_nodeid == 0) throw_to(1, length);
        catch_one();
        if (FM_nodeid == 1) throw_to(0, length);
    }
    return FMX_time() - start;
}

int main(void) {
    int wrong = 0;
    FM_initialize();
    handler = FM_register_handler(FM_ANY_ID, land);
    if (FM_numnodes < 2) {
        fprintf(stderr, "usage: mpirun --device fm -n 2 pingpong\n");
        FM_finalize();
        return 2;
    }
    if (FM_nodeid == 0) printf("%10s %12s %12s\n", "bytes", "latency us", "MB/s");
    for (unsigned length = 1; FM_nodeid < 2 && length <= LARGEST; length *= 4) {
        int rounds = length > 4096 ? 20 : 100;
        play(length, 5);
        /* What node 0 throws has to come home unharmed. */
        for (unsigned i = 0; i < length; i++)
            buffer[i] = FM_nodeid == 0 ? (unsigned char)(i * 31 + length) : 0;
        double one_way = play(length, rounds) / (2.0 * rounds);
        for (unsigned i = 0; i < length; i++)
            if (buffer[i] != (unsigned char)(i * 31 + length)) wrong++;
        if (FM_nodeid == 0)
            printf("%10u %12.2f %12.1f\n", length, one_way * 1e6, length / one_way * 1e-6);
    }
    FM_finalize();
    if (wrong > 0) fprintf(stderr, "node %lu: %d bytes arrived changed\n", FM_nodeid, wrong);
    return wrong == 0 ? 0 : 1;
}
