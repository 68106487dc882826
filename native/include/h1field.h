/* Fields with a meaning to the scanner: what they say goes into the head's flags, what is ambiguous is refused. */
#pragma once
#ifndef LB_CFFI
#include "h1.h"

/* Takes note of field number h->nhdr, called <id> (H1_ID_*), with the trimmed value <v>. Returns 0 or H1_ERR_*. */
int h1_note_field(h1_head *h, unsigned id, h1_span v);

/* The rules that need all fields of a request. Returns 0 or H1_ERR_*, the offending place in *<pos>. */
int h1_check_request(const h1_head *h, const char *buf, uint32_t *pos);
#endif
