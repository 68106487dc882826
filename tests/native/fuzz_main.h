/* What a property checked by libFuzzer needs: a failure traps, and inputs end where their memory does. */
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            __builtin_trap();                                                                                          \
    } while (0)

/* ASan watches both ends of an allocation. */
static char *exact_copy(const char *text, size_t len)
{
    char *copy = malloc(len ? len : 1);

    memcpy(copy, text, len);
    return copy;
}

static void exact_free(char *copy, size_t len)
{
    (void)len;
    free(copy);
}
