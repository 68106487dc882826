"""Converters: what becomes of a sample on its way (manual 7.3.1).

    strings.py    case, ends, parts of texts, concat          numbers.py   arithmetic and bits
    encodings.py  hexadecimal, base64, bytes                  hashes.py    hashes of keys (xxhash.py: its own three)
    crypto.py     digests, HMAC                               regsub.py    replacing by regular expressions
    json_.py      into JSON and out of it (jsonpath.py)       jwt.py       JSON Web Tokens (keys.py)
    url.py        percent-encoding, parameters                http.py      languages, hosts, captures
    forwarded.py  the field Forwarded (RFC 7239)              time.py      dates
    fix.py        FIX messages                                mqtt.py      MQTT's opening packets
    protobuf.py   Protocol Buffers and gRPC                   address.py   masks
    maps.py       maps from files                             variable.py  set-var, unset-var
    logic.py      iif, when                                   backend.py   backends by names from samples
    debug.py      values shown as they pass                   table.py     what stick tables know of a key
    arguments.py  arguments that several have in common
    aes.py        AES-GCM                                     x509.py      names of certificates' errors

Importing this package names all words for `lbcore.sample.rows.CONVERTERS`, which imports the file of a word when a
configuration has it. Each file ends with its rows; a row makes, once and for each place where it stands, a function of
the value (or of the transaction and the value), which runs in whatever worker and keeps nothing between calls. Values
have been cast to what the row takes. None is no sample, and ends the expression.

Called by: `sample.expression` through the table. No locks; variables of the process and maps have theirs.
"""

from __future__ import annotations

from lbcore.sample.rows import CONVERTERS

# Each file with the names of its rows, which `base.registry` wants to hear of before it imports the file.
WORDS = {
    "address": "ipmask",
    "aes": "aes_gcm_dec aes_gcm_enc",
    "backend": "nbsrv srv_queue",
    "crypto": "digest hmac secure_memcmp sha1 sha2",
    "debug": "debug",
    "encodings": "b64dec base64 be2dec be2hex bytes hex hex2i htonl ub64dec ub64enc",
    "fix": "fix_is_valid fix_tag_value",
    "forwarded": "rfc7239_field rfc7239_is_valid rfc7239_n2nn rfc7239_n2np rfc7239_nn rfc7239_np",
    "hashes": "crc32 crc32c djb2 sdbm wt6 xxh3 xxh32 xxh64",
    "http": "capture-req capture-res host_only language port_only",
    "json_": "json json_query",
    "jwt": "jwt_header_query jwt_payload_query jwt_verify",
    "logic": "iif when",
    "maps": """
        map map_beg map_beg_int map_beg_ip map_beg_key map_dir map_dir_int map_dir_ip map_dir_key map_dom map_dom_int
        map_dom_ip map_dom_key map_end map_end_int map_end_ip map_end_key map_int map_int_int map_int_ip map_int_key
        map_ip map_ip_int map_ip_ip map_ip_key map_reg map_reg_int map_reg_ip map_reg_key map_regm map_str map_str_int
        map_str_ip map_str_key map_sub map_sub_int map_sub_ip map_sub_key
    """,
    "mqtt": "mqtt_field_value mqtt_is_valid",
    "numbers": "add and bool cpl div even mod mul neg not odd or sub xor",
    "protobuf": "protobuf ungrpc",
    "regsub": "regsub",
    "strings": "add_item concat cut_crlf field length lower ltrim rtrim strcmp upper word",
    "table": """
        in_table table_bytes_in_rate table_bytes_out_rate table_clr_gpc table_clr_gpc0 table_clr_gpc1
        table_conn_cnt table_conn_cur table_conn_rate table_expire table_glitch_cnt table_glitch_rate table_gpc
        table_gpc0 table_gpc0_rate table_gpc1 table_gpc1_rate table_gpc_rate table_gpt table_gpt0
        table_http_err_cnt table_http_err_rate table_http_fail_cnt table_http_fail_rate table_http_req_cnt
        table_http_req_rate table_idle table_inc_gpc table_inc_gpc0 table_inc_gpc1 table_kbytes_in
        table_kbytes_out table_server_id table_sess_cnt table_sess_rate table_trackers
    """,
    "time": "date http_date ltime ms_ltime ms_utime us_ltime us_utime utime",
    "url": "param url_dec url_enc",
    "variable": "set-var unset-var",
    "x509": "x509_v_err_str",
}

CONVERTERS.announce(__name__, {topic: names.split() for topic, names in WORDS.items()})
