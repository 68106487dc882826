/* Header names as some peers want them written ("h1-case-adjust").
 *
 * All names go out in lower case; a proxy with PX_O_CASE has those that are listed here written otherwise. Only the case
 * of letters changes, so that a head that was composed already is changed in its place. Filled before threads start, read
 * by all of them afterwards.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"

typedef struct case_name {
    char *text; /* not ended by a NUL */
    uint32_t len;
} case_name;

typedef struct case_map {
    case_name *name; /* sorted by length, then by their lower case */
    uint32_t n;
} case_map;

/* Adds a name, copied. 0, -EINVAL if it is no token, -EEXIST if it is there in whatever case, -ENOMEM. */
int case_add(case_map *m, const char *name, uint32_t len);
void case_free(case_map *m);
/* Writes the names of the head of <len> bytes at <head> as <m> has them. Its first line is left alone. */
void case_adjust(const case_map *m, char *head, uint32_t len);
#endif
