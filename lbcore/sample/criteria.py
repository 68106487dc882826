"""Words of ACLs alone: criteria that imply a matching method, and the ACLs that every proxy has (manual 7.3, 7.4)."""

from __future__ import annotations

_METHODS = ("beg", "dir", "dom", "end", "len", "reg", "sub")
_FETCHES = {
    "base": "base",
    "cook": "req.cook",
    "hdr": "req.hdr",
    "path": "path",
    "scook": "res.cook",
    "shdr": "res.hdr",
    "url": "url",
    "urlp": "urlp",
}

# criterion -> (sample fetch, matching method)
CRITERIA: dict[str, tuple[str, str]] = {
    **{name: (fetch, "str") for name, fetch in _FETCHES.items()},
    **{f"{name}_{method}": (fetch, method) for name, fetch in _FETCHES.items() for method in _METHODS},
    "http_auth_group": ("http_auth_group", "str"),
    "method": ("method", "meth"),
    "payload": ("req.payload", "bin"),
    "payload_lv": ("req.payload_lv", "bin"),
    "req.ssl_ver": ("req.ssl_ver", "ver"),
    "req_rdp_cookie": ("req.rdp_cookie", "str"),
    "req_rdp_cookie_cnt": ("req.rdp_cookie_cnt", "int"),
    "req_ssl_sni": ("req.ssl_sni", "str"),
    "req_ssl_ver": ("req.ssl_ver", "ver"),
    "req_ver": ("req.ver", "str"),
    "resp_ver": ("res.ver", "str"),
    "ssl_fc_sni_end": ("ssl_fc_sni", "end"),
    "ssl_fc_sni_reg": ("ssl_fc_sni", "reg"),
}

# name -> what would stand behind `acl NAME`
PREDEFINED: dict[str, str] = {
    "FALSE": "always_false",
    "HTTP": "req.proto_http",
    "HTTP_1.0": "req.ver 1.0",
    "HTTP_1.1": "req.ver 1.1",
    "HTTP_2.0": "req.ver 2.0",
    "HTTP_3.0": "req.ver 3.0",
    "HTTP_CONTENT": "req.hdr_val(content-length) gt 0",
    "HTTP_URL_ABS": "url_reg ^[^/:]*://",
    "HTTP_URL_SLASH": "url_beg /",
    "HTTP_URL_STAR": "url *",
    "LOCALHOST": "src 127.0.0.1/8 ::1",
    "METH_CONNECT": "method CONNECT",
    "METH_DELETE": "method DELETE",
    "METH_GET": "method GET HEAD",
    "METH_HEAD": "method HEAD",
    "METH_OPTIONS": "method OPTIONS",
    "METH_POST": "method POST",
    "METH_PUT": "method PUT",
    "METH_TRACE": "method TRACE",
    "RDP_COOKIE": "req.rdp_cookie_cnt gt 0",
    "REQ_CONTENT": "req.len gt 0",
    "TRUE": "always_true",
    "WAIT_END": "wait_end",
}
