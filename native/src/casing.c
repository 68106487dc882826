#include "casing.h"
#include "h1word.h"
#include <strings.h>

/* How the <n> bytes at <name> stand to <other>: by length, then letter by letter. */
static int order(const char *name, uint32_t n, const case_name *other)
{
    if (n != other->len)
        return n < other->len ? -1 : 1;
    return strncasecmp(name, other->text, n);
}

/* The place of a name, or of the first one behind it. */
static uint32_t place(const case_map *m, const char *name, uint32_t n)
{
    uint32_t low = 0, high = m->n;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (order(name, n, &m->name[mid]) > 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static int is_token(const char *p, uint32_t n)
{
    return n && h1_skip_class(p, p + n, H1_C_TOKEN) == p + n;
}

int case_add(case_map *m, const char *name, uint32_t len)
{
    uint32_t at = place(m, name, len);
    case_name *more;
    char *text;

    if (!is_token(name, len))
        return -EINVAL;
    if (at < m->n && !order(name, len, &m->name[at]))
        return -EEXIST;
    more = realloc(m->name, (m->n + 1) * sizeof(*more));
    if (!more)
        return -ENOMEM;
    m->name = more;
    text = malloc(len);
    if (!text)
        return -ENOMEM;
    memcpy(text, name, len);
    memmove(more + at + 1, more + at, (m->n - at) * sizeof(*more));
    more[at] = (case_name){text, len};
    m->n++;
    return 0;
}

void case_free(case_map *m)
{
    for (uint32_t i = 0; i < m->n; i++)
        free(m->name[i].text);
    free(m->name);
    *m = (case_map){0};
}

void case_adjust(const case_map *m, char *head, uint32_t len)
{
    char *p = head, *end = head + len;

    while ((p = memchr(p, '\n', end - p)) && ++p < end) {
        char *colon = memchr(p, ':', end - p);
        uint32_t n = colon ? (uint32_t)(colon - p) : 0, at = place(m, p, n);

        if (at < m->n && !order(p, n, &m->name[at]))
            memcpy(p, m->name[at].text, n);
    }
}
