"""Converters: what becomes of a sample on its way (manual 7.3.1).

    strings.py    case, ends, parts of texts, concat          numbers.py   arithmetic and bits
    encodings.py  hexadecimal, base64, bytes                  hashes.py    hashes of keys (xxhash.py: its own three)
    crypto.py     digests, HMAC                               regsub.py    replacing by regular expressions
    json_.py      into JSON and out of it (jsonpath.py)       jwt.py       JSON Web Tokens
    url.py        percent-encoding, parameters                http.py      languages, hosts, captures
    forwarded.py  the field Forwarded (RFC 7239)              time.py      dates
    fix.py        FIX messages                                mqtt.py      MQTT's opening packets
    protobuf.py   Protocol Buffers and gRPC                   address.py   masks
    maps.py       maps from files                             variable.py  set-var, unset-var
    logic.py      iif, when                                   backend.py   backends by names from samples
    debug.py      values shown as they pass                   arguments.py arguments that several have in common

Importing this package fills `lbcore.sample.rows.CONVERTERS`. Each file ends with its rows; a row makes, once and for
each place where it stands, a function of the value (or of the transaction and the value), which runs in whatever
worker and keeps nothing between calls. Values have been cast to what the row takes. None is no sample, and ends the
expression.

Called by: `sample.expression` through the table. No locks; variables of the process and maps have theirs.
"""

from __future__ import annotations

from lbcore.conv import (
    address,
    backend,
    crypto,
    debug,
    encodings,
    fix,
    forwarded,
    hashes,
    http,
    json_,
    jwt,
    logic,
    maps,
    mqtt,
    numbers,
    protobuf,
    regsub,
    strings,
    time,
    url,
    variable,
)

__all__ = [
    "address",
    "backend",
    "crypto",
    "debug",
    "encodings",
    "fix",
    "forwarded",
    "hashes",
    "http",
    "json_",
    "jwt",
    "logic",
    "maps",
    "mqtt",
    "numbers",
    "protobuf",
    "regsub",
    "strings",
    "time",
    "url",
    "variable",
]
