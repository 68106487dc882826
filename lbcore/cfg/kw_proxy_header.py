"""Headers by which proxies tell each other of clients, on `bind` and `server` lines (manual 5.1, 5.2)."""

from __future__ import annotations

import re

from lbcore.cfg.arguments import Args, KeywordError
from lbcore.cfg.keywords import BIND, KEYWORDS, SERVERS, Keyword
from lbcore.cfg.known import not_yet
from lbcore.cfg.kw_bind import flag as bind_flag
from lbcore.cfg.kw_server import flag as server_flag
from lbcore.cfg.vocabulary import read, words_of
from lbcore.sample.points import Point

_NUMBER = re.compile(r"[0-9]{1,20}")
_MAGIC_MAX = 0xFFFFFFFF
_OPTIONS = ("authority", "crc32c", "unique-id")
_LATER = ("cert-cn", "cert-key", "cert-sig", "ssl", "ssl-cipher")
_TYPES = 256  # of TLVs


def accept_netscaler_cip(args: Args) -> None:
    text = args.take()
    if not text:
        raise KeywordError("'accept-netscaler-cip' : missing value")
    if not _NUMBER.fullmatch(text):
        raise KeywordError(f"'accept-netscaler-cip' : expects an integer argument, found '{text}'")
    magic = int(text)
    if not 0 < magic <= _MAGIC_MAX:
        raise KeywordError(f"'accept-netscaler-cip' : invalid value {magic}, must be > 0 and <= {_MAGIC_MAX}")
    args.bind.cip_magic = magic


def proxy_v2_options(args: Args) -> None:
    """`proxy-v2-options <option>[,<option>...]`: what a header of version 2 tells besides. Lines add up."""
    for option in args.take().split(","):
        if option in _LATER:
            raise KeywordError(not_yet(f"proxy-v2-options {option}"))
        if option not in _OPTIONS:
            raise KeywordError(f"'{option}' : proxy v2 option not implemented")
        args.server.proxy_v2_options |= {option}


def set_proxy_v2_tlv_fmt(args: Args) -> None:
    """`set-proxy-v2-tlv-fmt(<type>) <format>`: a TLV of the header of version 2."""
    word = args.line.text(args.position - 1)
    text = word.partition("(")[2].removesuffix(")")
    try:
        kind = int(text, 0)
    except ValueError:
        kind = -1
    if not 0 <= kind < _TYPES:
        raise KeywordError(f"'{word}' : expects a type from 0 to {_TYPES - 1}, found '{text}'")
    if not args.more:
        raise KeywordError(f"'{word}' : expects a format as argument")
    from lbcore.sample.format import parse_format  # with the vocabulary

    words = words_of(args, Point.BE_SRV_CON)
    found = read(args, words, lambda words: parse_format(words.take(), words), f"'{word}' : {{}}")
    args.server.proxy_v2_tlvs += ((kind, found),)


KEYWORDS.register(
    Keyword(("accept-netscaler-cip",), BIND, accept_netscaler_cip, "<magic>",
            "Each connection begins with a NetScaler's Client IP header.", "0.2"),
    Keyword(("accept-proxy",), BIND, bind_flag("accept_proxy"), "", "Each connection begins with a PROXY header.",
            "0.2"),
    Keyword(("no-send-proxy",), SERVERS, server_flag("send_proxy", False), "", "Takes an inherited `send-proxy` back.",
            "0.2"),
    Keyword(("no-send-proxy-v2",), SERVERS, server_flag("send_proxy_v2", False), "",
            "Takes an inherited `send-proxy-v2` back.", "0.2"),
    Keyword(("proxy-v2-options",), SERVERS, proxy_v2_options, "<option>[,<option>...]",
            "What a PROXY header of version 2 tells besides.", "0.2"),
    Keyword(("send-proxy",), SERVERS, server_flag("send_proxy"), "", "Connections begin with a PROXY header.", "0.2"),
    Keyword(("send-proxy-v2",), SERVERS, server_flag("send_proxy_v2"), "",
            "Connections begin with a PROXY header of version 2.", "0.2"),
    Keyword(("set-proxy-v2-tlv-fmt",), SERVERS, set_proxy_v2_tlv_fmt, "(<type>) <format>",
            "A TLV of a PROXY header of version 2.", "0.2"),
)  # fmt: skip
