/* sources: lockset lock ctr freq hash counters sock buf fd poll loop ev_epoll ev_poll ev_select ev_kqueue tmr runq waitq task h1 h1body h1field h1host h1word casing msg conn idle lb listener proxyproto handshake chan flow flow_srv tunnel exchange exch_req exch_again exch_res exch_reply applet page ask ask_head ask_body ask_http ask_tcp ask_flow thr turn figures engine */
/* Random worlds around an engine, one after the other: "fuzz_engine [--seed N] [--seconds S]". Without --seconds it is
 * one world, that of the seed; the seed of a world that is wrong is printed. From the top of the repository:
 *
 *     gcc -std=gnu11 -g -O1 -fsanitize=address,undefined -Inative/include -Itests/native -o fuzz_engine \
 *         tests/native/fuzz_engine.c native/src/[a-z]*.c -pthread -lm
 *
 * and the same with -fsanitize=thread. Most of its time is waiting: run several at once. */
#include "rnd_world.h"

int main(int argc, char **argv)
{
    uint64_t seed = now_ms(), until = 0, worlds = 0, answered = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN); /* as Python has it: splice(2) knows no MSG_NOSIGNAL */
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--seed"))
            seed = strtoull(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--seconds"))
            until = now_ms() + strtoull(argv[i + 1], NULL, 10) * 1000;
    }
    do {
        answered += world_run(seed++);
        worlds++;
    } while (now_ms() < until);
    printf("%llu worlds, %llu honest answers\n", (unsigned long long)worlds, (unsigned long long)answered);
    return check_done();
}
