"""Streams that nothing has given to a server: `dispatch`, `option transparent`, and servers without an address."""

from __future__ import annotations

from tests.oracle.configs import REFUSED, SERVER, Topic
from tests.oracle.row import Row, get, ok, request
from tests.peers.script import Do

_DISPATCH = 'dispatch "127.0.0.1:${BE}"'
_WANTED = ("http-request set-dst str(127.0.0.1)", 'http-request set-dst-port "int(${BE})"')
_COOKIE = "cookie SRV insert indirect nocache"

TOPIC = Topic(
    "aside",
    "http",
    {
        "plain": (_DISPATCH,),
        "closing": (_DISPATCH, "option httpclose", "http-send-name-header X-Name"),
        "down": ('dispatch "127.0.0.1:${REFUSED}"', "retries 1", "timeout connect 50ms"),
        "beside": (_DISPATCH, _COOKIE, REFUSED + " cookie other"),
        "cookied": ('dispatch "127.0.0.1:${REFUSED}"', _COOKIE, SERVER + " cookie mine"),
        "leaving": (_DISPATCH, _COOKIE, REFUSED + " cookie gone", "retries 1", "option redispatch 1"),
        "used": ('dispatch "127.0.0.1:${REFUSED}"', "use-server s1 if { path /s1 }", "retries 0", SERVER),
        "figures": (
            _DISPATCH,
            "http-response set-header x-srv [%[srv_name]]",
            "http-response set-header x-up %[nbsrv]",
        ),
        "transparent": (*_WANTED, "option transparent"),
        "transcookied": ("option transparent", _COOKIE, SERVER + " cookie mine"),
        "anyaddress": (*_WANTED, "server any 0.0.0.0"),
        "anyhost": (_WANTED[0], 'server any "*:${BE}"'),
        "anyoffset": (*_WANTED, "http-request set-dst-port dst_port,sub(7)", "server any 0.0.0.0:+7"),
        "both": (_DISPATCH, "option transparent"),
    },
    logs=True,
)

_TWICE = (get("/1"), Do.REPLY, get("/2"), Do.REPLY, Do.SHUT, Do.END)

ROWS = (
    *(
        Row(via, get("/"), (ok(),), via=via)
        for via in (
            "plain",
            "closing",
            "beside",
            "figures",
            "transparent",
            "anyaddress",
            "anyhost",
            "anyoffset",
            "both",
        )
    ),
    *(
        Row(f"{via}: two requests", _TWICE, (ok(b"1"), ok(b"2")), via=via)
        for via in ("plain", "transparent", "anyhost")
    ),
    Row("dispatch is down", get("/"), via="down"),
    Row("cookie of a server", get("/", "Cookie: SRV=mine"), (ok(),), via="cookied"),
    Row("cookie of a server, transparent", get("/", "Cookie: SRV=mine"), (ok(),), via="transcookied"),
    Row("cookie of nobody", get("/", "Cookie: SRV=nobody"), (ok(),), via="beside"),
    Row("cookie of a server that is gone", get("/", "Cookie: SRV=gone"), (ok(),), via="leaving"),
    Row("use-server", get("/s1"), (ok(),), via="used"),
    Row("no use-server", get("/"), via="used"),
    Row("POST", request("POST / HTTP/1.1", "Host: a", "Content-Length: 5", body=b"hello"), (ok(),), via="plain"),
)
