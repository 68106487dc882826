/* Fields with a meaning to the scanner: see h1field.h. */
#include "h1field.h"

#include "h1host.h"

static int note_content_length(h1_head *h, h1_span v)
{
    uint64_t n = 0;

    if (h->flags & H1_F_CLEN)
        return H1_ERR_CLEN_DUP;
    if (h->flags & H1_F_CHUNKED)
        return H1_ERR_CLEN_TE;
    if (v.p == v.end)
        return H1_ERR_CLEN;
    for (; v.p < v.end; v.p++) {
        if (!H1_IS_DIGIT(*v.p) || n > (INT64_MAX - (uint64_t)(*v.p - '0')) / 10)
            return H1_ERR_CLEN;
        n = n * 10 + (uint64_t)(*v.p - '0');
    }
    h->body_len = n;
    h->flags |= H1_F_CLEN;
    return 0;
}

/* What is wrong with a Transfer-Encoding that is not exactly "chunked". */
static int coding_error(h1_span v)
{
    uint32_t n = (uint32_t)(v.end - v.p);

    if (!n || !h1_is(*v.p, H1_C_TOKEN))
        return H1_ERR_TE;
    return n >= 7 && h1_same_word(v.p, "chunked", 7) ? H1_ERR_TE : H1_ERR_TE_CODING;
}

static int note_transfer_encoding(h1_head *h, h1_span v)
{
    if (h->flags & H1_F_CHUNKED)
        return H1_ERR_TE;
    if (h->flags & H1_F_CLEN)
        return H1_ERR_CLEN_TE;
    if (h->version == 10)
        return H1_ERR_TE_10;
    if (!H1_ITEM_IS(v, "chunked"))
        return coding_error(v);
    h->flags |= H1_F_CHUNKED;
    return 0;
}

static int note_connection(h1_head *h, h1_span v)
{
    h1_span item;

    while (h1_next_item(&v, &item)) {
        if (item.p == item.end)
            continue;
        if (H1_ITEM_IS(item, "close"))
            h->flags |= H1_F_CONN_CLOSE;
        else if (H1_ITEM_IS(item, "keep-alive"))
            h->flags |= H1_F_CONN_KEEPALIVE;
        else if (H1_ITEM_IS(item, "upgrade"))
            h->flags |= H1_F_CONN_UPGRADE;
        else if (H1_ITEM_IS(item, "te"))
            h->flags |= H1_F_CONN_TE;
        else
            h->flags |= H1_F_CONN_OTHER;
    }
    return 0;
}

static int note_te(h1_head *h, h1_span v)
{
    h1_span item;

    while (h1_next_item(&v, &item))
        if (H1_ITEM_IS(item, "trailers"))
            h->flags |= H1_F_TE_TRAILERS;
    return 0;
}

static int note_host(h1_head *h, h1_span v)
{
    h1_authority a;

    if (h->flags & H1_F_RESPONSE)
        return 0;
    if (h->flags & H1_F_HOST)
        return H1_ERR_HOST_DUP;
    if (!h1_read_authority(v, &a))
        return H1_ERR_HOST;
    h->flags |= H1_F_HOST;
    h->host = (uint16_t)h->nhdr;
    return 0;
}

static int note_expect(h1_head *h, h1_span v)
{
    if (h->version == 11 && !(h->flags & H1_F_RESPONSE) && H1_ITEM_IS(v, "100-continue"))
        h->flags |= H1_F_EXPECT_100;
    return 0;
}

int h1_note_field(h1_head *h, unsigned id, h1_span v)
{
    switch (id) {
    case H1_ID_CONTENT_LENGTH:
        return note_content_length(h, v);
    case H1_ID_TRANSFER_ENCODING:
        return note_transfer_encoding(h, v);
    case H1_ID_CONNECTION:
        return note_connection(h, v);
    case H1_ID_HOST:
        return note_host(h, v);
    case H1_ID_EXPECT:
        return note_expect(h, v);
    case H1_ID_TE:
        return note_te(h, v);
    default:
        return 0;
    }
}

int h1_check_request(const h1_head *h, const char *buf, uint32_t *pos)
{
    int body = h->body_len || (h->flags & H1_F_CHUNKED);
    int bodyless10 = h->version == 10 && !(h->opts & H1_OPT_PAYLOAD) &&
                     (h->method_id == H1_GET || h->method_id == H1_HEAD || h->method_id == H1_DELETE);

    *pos = h->fields_end;
    if (!(h->flags & H1_F_HOST) && h->version == 11 && !(h->opts & H1_OPT_NO_HOST))
        return H1_ERR_NO_HOST;
    if (body && (h->method_id == H1_CONNECT || bodyless10))
        return H1_ERR_BODY;
    if (!h->authority_len || !(h->flags & H1_F_HOST) || h1_host_agrees(h, buf))
        return 0;
    *pos = h->hdr[h->host].value;
    return H1_ERR_HOST_MISMATCH;
}
