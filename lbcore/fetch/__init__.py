"""Sample fetches: the words of expressions that read something (manual 7.3.2 to 7.3.6), one topic a file.

    constant.py    values that stand in the expression        request.py   first line and fields of messages
    named.py       variables and named ACLs                   url.py       what the target of a request is made of
    process.py     the process, its clock, its chances        cookie.py    cookies of either direction
    proxy.py       figures of proxies and servers             body.py      bodies of messages
    client.py      both ends of the client's connection       auth.py      credentials that a request brings
    connection.py  what the kernel knows of connections       response.py  status and first line of the response
    session.py     frontend and listener of a session         capture.py   what was captured for logs
    backend.py     backend and server of a stream             payload.py   raw bytes, mode tcp
    stream.py      timers, ends and numbers of a stream       tls_hello.py the first message of a TLS handshake
    rows.py        helpers that rows are made with

Importing this package fills the table `lbcore.sample.rows.FETCHES`; each file ends with its rows. Called by compiled
expressions with the transaction (`lbcore.stream.txn.Txn`), from the worker that owns it, many times a second: names
and arguments are resolved when a fetch is made. A fetch gives None where there is no sample. One that reads bytes of
which more may come also sets `missing`, so that rules of mode tcp wait. No locks; `stats` reads live objects likewise.
"""

from lbcore.fetch import (
    auth,
    backend,
    body,
    capture,
    client,
    connection,
    constant,
    cookie,
    named,
    payload,
    process,
    proxy,
    request,
    response,
    session,
    stream,
    tls_hello,
    url,
)

__all__ = [
    "auth",
    "backend",
    "body",
    "capture",
    "client",
    "connection",
    "constant",
    "cookie",
    "named",
    "payload",
    "process",
    "proxy",
    "request",
    "response",
    "session",
    "stream",
    "tls_hello",
    "url",
]
