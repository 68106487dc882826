#include "buf.h"
#include "counters.h"

void bufpool_init(bufpool *p, uint32_t bufsize)
{
    memset(p, 0, sizeof(*p));
    p->size[BUF_SMALL] = BUF_SMALL_SIZE;
    p->size[BUF_NORMAL] = bufsize;
    p->size[BUF_BIG] = BUF_BIG_SIZE;
    p->keep[BUF_SMALL] = 1024;
    p->keep[BUF_NORMAL] = 64;
    p->keep[BUF_BIG] = 4;
}

void bufpool_fini(bufpool *p)
{
    for (int c = 0; c < BUF_CLASSES; c++) {
        while (p->free[c]) {
            void *b = p->free[c];

            memcpy(&p->free[c], b, sizeof(void *));
            free(b);
        }
        p->nfree[c] = 0;
    }
}

/* The class of a buffer of <size> bytes, BUF_CLASSES if it is none of the pool's. */
static int class_of(const bufpool *p, uint32_t size)
{
    int c;

    for (c = 0; c < BUF_CLASSES && p->size[c] != size; c++)
        ;
    return c;
}

static char *area_get(bufpool *p, uint32_t n, uint32_t *size)
{
    int c;

    for (c = 0; c < BUF_CLASSES && p->size[c] < n; c++)
        ;
    if (c < BUF_CLASSES && p->free[c]) {
        void *b = p->free[c];

        memcpy(&p->free[c], b, sizeof(void *));
        cnt_add(p->nfree[c], -1);
        cnt_inc(p->used[c]);
        *size = p->size[c];
        return b;
    }
    *size = c < BUF_CLASSES ? p->size[c] : n;

    char *b = malloc(*size);

    if (!b)
        cnt_inc(p->failed);
    else if (c < BUF_CLASSES)
        cnt_inc(p->used[c]);
    return b;
}

static void area_put(bufpool *p, char *area, uint32_t size)
{
    int c = class_of(p, size);

    if (c < BUF_CLASSES) {
        cnt_add(p->used[c], -1);
        if (p->nfree[c] < p->keep[c]) {
            memcpy(area, &p->free[c], sizeof(void *));
            p->free[c] = area;
            cnt_inc(p->nfree[c]);
            return;
        }
    }
    free(area);
}

void buf_release(bufpool *p, buf *b)
{
    if (b->area)
        area_put(p, b->area, b->size);
    *b = (buf){0};
}

int buf_set(bufpool *p, buf *b, const char *from, uint32_t n)
{
    if (!n) {
        buf_release(p, b);
        return 0;
    }
    if (b->area && b->size >= n) {
        memmove(b->area, from, n);
        b->off = 0;
        b->len = n;
        return 0;
    }

    uint32_t size;
    char *area = area_get(p, n, &size);

    if (!area) {
        buf_release(p, b);
        return -ENOMEM;
    }
    memcpy(area, from, n);
    buf_release(p, b);
    *b = (buf){.area = area, .size = size, .off = 0, .len = n};
    return 0;
}

int buf_append(bufpool *p, buf *b, const char *from, uint32_t n)
{
    if (!b->area)
        return buf_set(p, b, from, n);
    if (b->size - b->off - b->len < n && b->size - b->len >= n) {
        memmove(b->area, buf_data(b), b->len);
        b->off = 0;
    }
    if (b->size - b->off - b->len < n) {
        uint32_t size;
        char *area = area_get(p, b->len + n, &size);

        if (!area)
            return -ENOMEM;
        memcpy(area, buf_data(b), b->len);
        area_put(p, b->area, b->size);
        b->area = area;
        b->size = size;
        b->off = 0;
    }
    memcpy(buf_data(b) + b->len, from, n);
    b->len += n;
    return 0;
}
