/* Error pages: the engine's, and those of a frontend or a backend. */
#include "engine.h"

static const err_page *find(const err_pages *pages, int status, int early)
{
    for (uint32_t i = 0; i < pages->n; i++)
        if (pages->page[i].status == status && pages->page[i].early == early)
            return &pages->page[i];
    return NULL;
}

const err_page *eng_error(const engine *e, const frontend *fe, const backend *be, int status, int early)
{
    const err_page *page = be ? find(&be->errors, status, early) : NULL;

    if (!page)
        page = find(&fe->errors, status, early);
    return page ? page : find(&e->errors, status, early);
}

/* What the head says of the version, and of the end of the body. */
static void learn(err_page *page)
{
    h1_head *h = malloc(sizeof(*h));

    if (!h)
        return;
    h1_response_init(h, H1_MAX_HDR);
    if (h1_scan(h, page->text, page->len) == 1) {
        page->version = (uint8_t)h->version;
        page->framed = h->flags & H1_F_NO_BODY || (h->flags & H1_F_CLEN && h->body_len == page->len - h->len);
    }
    free(h);
}

static int set(err_pages *pages, int status, int early, const char *text, int len)
{
    const char *end = len > 0 ? memmem(text, len, "\r\n\r\n", 4) : NULL;
    err_page *page = (err_page *)find(pages, status, !!early);
    char *copy;

    if (len < 0 || (len && !end) || status < 200 || status > 599)
        return -EINVAL;
    copy = malloc(len ? len : 1);
    if (!copy)
        return -ENOMEM;
    if (page) {
        free(page->text);
    } else {
        page = realloc(pages->page, (pages->n + 1) * sizeof(*page));
        if (!page) {
            free(copy);
            return -ENOMEM;
        }
        pages->page = page;
        page += pages->n++;
    }
    if (len)
        memcpy(copy, text, len);
    *page = (err_page){.status = status, .early = !!early, .text = copy, .len = (uint32_t)len};
    page->head_len = len ? (uint32_t)(end - text) + 4 : 0;
    learn(page);
    return 0;
}

int eng_set_error(engine *e, int status, int early, const char *text, int len)
{
    return set(&e->errors, status, early, text, len);
}

int eng_fe_error(engine *e, int i, int status, int early, const char *text, int len)
{
    return i < 0 || (uint32_t)i >= e->nfe ? -EINVAL : set(&e->fe[i]->errors, status, early, text, len);
}

int eng_be_error(engine *e, int i, int status, int early, const char *text, int len)
{
    return i < 0 || (uint32_t)i >= e->nbe ? -EINVAL : set(&e->be[i]->errors, status, early, text, len);
}

void err_pages_free(err_pages *pages)
{
    for (uint32_t i = 0; i < pages->n; i++)
        free(pages->page[i].text);
    free(pages->page);
    *pages = (err_pages){0};
}
