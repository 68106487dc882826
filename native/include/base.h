/* Base definitions that every source of the shim shares.
 *
 * The manners of the shim, told once:
 *   - a return value >= 0 is done (often a count), a negative one is -errno;
 *   - nothing is printed, nothing calls Python, Python.h is not included;
 *   - nothing lives in globals: everything hangs off an engine (the held-locks stack and the thread's clock are
 *     the two thread-local exceptions);
 *   - who passes memory owns memory, unless a header says "takes";
 *   - shared words are plain integers touched only through the __atomic builtins, because cffi reads these headers.
 *
 * What stands between "#ifndef LB_CFFI" and its "#endif" is not shown to cffi.
 */
#pragma once
#ifndef LB_CFFI
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define LB_CACHELINE 64
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define at_load(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define at_peek(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define at_poke(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define at_store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define at_add(p, v) __atomic_add_fetch((p), (v), __ATOMIC_ACQ_REL)
#define at_sub(p, v) __atomic_sub_fetch((p), (v), __ATOMIC_ACQ_REL)
#define at_or(p, v) __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define at_and(p, v) __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)
#define at_xchg(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
/* <p> becomes <v> if it still is *<e>; otherwise *<e> is what it is. Returns whether it did. */
#define at_cas(p, e, v) __atomic_compare_exchange_n((p), (e), (v), 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

/* The monotonic clock in nanoseconds. */
static inline uint64_t mono_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* A time of it, in us, as a tick: milliseconds that wrap, and are never 0, which means no time at all. */
static inline uint32_t tick_of(uint64_t us)
{
    uint32_t ms = (uint32_t)(us / 1000);

    return ms ? ms : 1;
}

/* What a worker's clock would show now; for those who have none. */
static inline uint32_t tick_now(void)
{
    return tick_of(mono_ns() / 1000);
}
#endif
