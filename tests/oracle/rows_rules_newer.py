"""Words that HAProxy has had since 2.7 or 2.8: option forwarded and its converters, newer fetches and actions."""

from __future__ import annotations

from tests.oracle.configs import SERVER, Topic, served
from tests.oracle.row import Row, at_head, get, ok, response
from tests.peers.script import Do

TOPIC = Topic(
    "newer",
    "http",
    {
        "forwarded": ("option forwarded", SERVER),
        "parts": ("option forwarded proto host by for", SERVER),
        "ports": ("option forwarded host-expr str(h.example) by by_port for for_port", SERVER),
        "expressions": ("option forwarded proto for-expr str(_secret) by-expr str(_lb)", SERVER),
        "quoting": ("option forwarded host-expr req.hdr(x-host) for-expr req.hdr(x-for)", SERVER),
        "parsed": served("""
            http-request set-header x-valid "%[req.hdr(forwarded),rfc7239_is_valid]"
            http-request set-header x-for "%[req.hdr(forwarded),rfc7239_field(for)]"
            http-request set-header x-proto "%[req.hdr(forwarded),rfc7239_field(proto)]"
            http-request set-header x-host "%[req.hdr(forwarded),rfc7239_field(host)]"
            http-request set-header x-nn "%[req.hdr(forwarded),rfc7239_field(for),rfc7239_n2nn]"
            http-request set-header x-np "%[req.hdr(forwarded),rfc7239_field(for),rfc7239_n2np]"
            http-request set-header x-by "%[req.hdr(forwarded),rfc7239_field(by),rfc7239_n2nn]"
        """),
        "hosts": served("""
            http-request set-header x-host "%[req.hdr(host),host_only]"
            http-request set-header x-port "%[req.hdr(host),port_only]"
        """),
        "statuses": served("""
            http-response set-status 200 if { status 404 }
            http-after-response set-header x-status "%[status]"
            log-format "%ST %ts"
        """),
        "origins": served("""
            http-request set-var(txn.ip) src
            http-request set-src str(192.0.2.9)
            http-request set-header x-src "%[src] %[fc_src] %[var(txn.ip)] %[fc_dst_is_local] %[fc_src_is_local]"
        """),
        "captured": served("""
            declare capture response len 10
            http-after-response capture res.hdr(x-c) id 0
            http-request deny if { path /deny }
            http-after-response set-header x-c after
        """),
        "timed": (
            "http-request set-timeout server 7s if { path /server }",
            "http-request set-timeout tunnel 8s",
            'http-request set-header x-timeouts "%[cur_server_timeout] %[cur_tunnel_timeout] %[be_server_timeout]"',
            SERVER,
        ),
        "normal": ("http-request normalize-uri fragment-strip", "http-request set-path %[path,url_dec]", SERVER),
    },
    logs=True,
    newer=True,
    globals=("expose-experimental-directives",),
)

_FORWARDED = (
    "for=192.0.2.43",
    'for="[2001:db8::17]:4711"',
    "for=192.0.2.60;proto=http;by=203.0.113.43",
    'host="example.com:80";proto=https;for=unknown',
    "for=_hidden",
    'for="_gazonk:_port"',
    "For=192.0.2.1; Proto=http",
    "for=192.0.2.43:99",
    "nonsense",
    "for=a=b",
    "proto=",
)
_PORT = rb'(?<=[0-9]:)[0-9]{5}(?=")'

ROWS = (
    *(
        Row(f"{via}", get("/"), (ok(),), via=via, varies=_PORT)
        for via in ("forwarded", "parts", "ports", "expressions")
    ),
    Row("forwarded: one is there", get("/", "Forwarded: for=192.0.2.43"), (ok(),), via="forwarded"),
    *(
        Row(f"quoting: {host} {source}", get("/", f"X-Host: {host}", f"X-For: {source}"), (ok(),), via="quoting")
        for host, source in (
            ("plain.example", "192.0.2.1"),
            ("with:80", "2001:db8::1"),
            ('qu"ote', "_obfuscated"),
            ("a b", "no way"),
            ("", "unknown"),
        )
    ),
    Row("quoting: nothing", get("/"), (ok(),), via="quoting"),
    *(Row(f"parsed: {text}", get("/", f"Forwarded: {text}"), (ok(),), via="parsed") for text in _FORWARDED),
    *(
        Row(f"hosts: {host}", get("/", host=host), (ok(),), via="hosts")
        for host in ("lb.example", "lb.example:8080", "[2001:db8::1]:443", "[::1]", "192.0.2.1:80")
    ),
    Row("statuses: 200", get("/"), (ok(),), via="statuses"),
    Row("statuses: another than the server's", get("/"), (response("404 No", "Content-Length: 0"),), via="statuses"),
    Row("statuses: 502", get("/"), (at_head(Do.CLOSE),), via="statuses"),
    Row("origins", get("/"), (ok(),), via="origins"),
    Row("captured: of the server", get("/"), (ok(b"x", "X-C: theirs"),), via="captured"),
    Row("captured: of our own", get("/deny"), via="captured"),
    *(Row(f"timed {path}", get(path), (ok(),), via="timed") for path in ("/server",)),
    Row("normal: decoded", get("/a/%41"), (ok(),), via="normal"),
)
