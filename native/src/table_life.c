/* How a stick table is laid out in memory, made and freed. */
#include "table.h"
#include <sys/mman.h>

enum {
    MAPPED = 64 << 10, /* bytes from which an array has pages of its own, which nobody has until they are used */
    LARGE = 4 << 20,   /* bytes from which it is worth large pages */
};

/* --- layout --- */

static int is_array(int type)
{
    return type == STK_GPT || type == STK_GPC || type == STK_GPC_RATE;
}

static int conf_is_good(const stk_conf *c)
{
    if (!c->key_len || c->key_len > 65535 || !c->size || c->size > INT32_MAX || c->expire > INT32_MAX)
        return 0;
    for (int i = 0; i < STK_TYPES; i++)
        if (c->count[i] > (is_array(i) ? STK_ELEMENTS_MAX : 1) ||
            (c->count[i] && stk_kinds[i] == STK_KIND_RATE && (!c->period[i] || c->period[i] > INT32_MAX)))
            return 0;
    return 1;
}

static uint32_t aligned(uint32_t at, uint32_t to)
{
    return (at + to - 1) & ~(to - 1);
}

/* Elements of <size> bytes, from <at>; where they end. */
static uint32_t lay_out_elements(stk_table *t, int wide, uint32_t at)
{
    for (int i = 0; i < STK_TYPES; i++)
        if (t->conf.count[i] && (stk_element_size(i) == 8) == wide) {
            at = aligned(at, wide ? 8 : 4);
            t->off[i] = at;
            t->stored |= 1u << i;
            at += t->conf.count[i] * stk_element_size(i);
        }
    return at;
}

/* The key follows the head, so that a look-up and a count visit one cache line where the entry has no more than that. Entries
 * begin at lines or at their middles, and so have no part in more lines than they must. */
static void lay_out(stk_table *t)
{
    uint32_t at = t->key_off = STK_HEAD;

    at = lay_out_elements(t, 0, at + t->conf.key_len);
    at = lay_out_elements(t, 1, at);
    if (t->conf.updates) {
        t->update_off = at = aligned(at, 4);
        at += sizeof(stk_update);
    }
    t->entry_size = at <= LB_CACHELINE ? LB_CACHELINE : aligned(at, LB_CACHELINE / 2);
}

/* --- memory --- */

static void *small_array(size_t bytes)
{
    size_t all = (bytes + LB_CACHELINE - 1) / LB_CACHELINE * LB_CACHELINE;
    void *p = aligned_alloc(LB_CACHELINE, all);

    return p ? memset(p, 0, all) : NULL;
}

/* Zeroed memory that begins at a cache line, of which the system gives what is used. Look-ups jump about in it: <large> pages
 * spare them half of their cache misses, but a little that is spread over them takes as much as all. NULL if there is none. */
static void *array_new(size_t n, size_t size, int large)
{
    size_t bytes = n * size;
    void *p;

    if (bytes < MAPPED)
        return small_array(bytes);
    p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (large && bytes >= LARGE)
        madvise(p, bytes, MADV_HUGEPAGE);
#endif
    return p;
}

static void array_free(void *p, size_t n, size_t size)
{
    if (p && n * size >= MAPPED)
        munmap(p, n * size);
    else
        free(p);
}

/* --- life --- */

/* A zeroed table, at a cache line of its own. */
static stk_table *table_new(void)
{
    stk_table *t = aligned_alloc(LB_CACHELINE, sizeof(*t));

    if (t)
        memset(t, 0, sizeof(*t));
    return t;
}

stk_table *stk_new(const stk_conf *conf, lockset *set, uint64_t seed)
{
    stk_table *t = conf_is_good(conf) ? table_new() : NULL;

    if (!t)
        return NULL;
    t->conf = *conf;
    t->set = set;
    t->seed = seed;
    spin_init(&t->lock, set, LBL_TABLE);
    lay_out(t);
    t->index.lines = stk_index_lines(conf->size);
    t->index.bits = stk_index_bits(conf->size);
    t->entries = array_new(conf->size, t->entry_size, 1);
    t->index.line = array_new(t->index.lines, sizeof(*t->index.line), 0);
    t->heap = array_new((size_t)conf->size + 1, sizeof(*t->heap), 1);
    if (!t->entries || !t->index.line || !t->heap) {
        stk_free(t);
        return NULL;
    }
    return t;
}

void stk_free(stk_table *t)
{
    if (!t)
        return;
    array_free(t->entries, t->conf.size, t->entry_size);
    array_free(t->index.line, t->index.lines, sizeof(*t->index.line));
    array_free(t->heap, (size_t)t->conf.size + 1, sizeof(*t->heap));
    free(t);
}
