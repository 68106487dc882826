"""The variables that HAProxy defines for configurations (manual 2.3; formats: 8.2.2 TCP, 8.2.3 HTTP, 8.2.5 HTTPS)."""

from __future__ import annotations

import os
from collections.abc import Sequence

_ADDRESSES = "%ci:%cp"
_LOAD = "%ac/%fc/%bc/%sc/%rc %sq/%bq"
_HTTP = (
    f"{_ADDRESSES} [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc {_LOAD} %hr %hs %{{+Q}}r"
)  # fmt: skip

LOG_FORMATS = {
    "HAPROXY_HTTP_CLF_LOG_FMT": (
        '%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac %fc '
        "%bc %sc %rc %sq %bq %CC %CS %hrl %hsl"
    ),
    "HAPROXY_HTTPS_LOG_FMT": (
        f"{_HTTP} %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] "
        "%[ssl_fc_sni]/%sslv/%sslc"
    ),
    "HAPROXY_HTTP_LOG_FMT": _HTTP,
    "HAPROXY_TCP_LOG_FMT": f"{_ADDRESSES} [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts {_LOAD}",
}


def predefined_variables(files: Sequence[str], version: str) -> dict[str, str]:
    """What every load defines on its own: the files' names, the version, the host's name and the log formats."""
    return {
        "HAPROXY_BRANCH": ".".join(version.split(".")[:2]),
        "HAPROXY_CFGFILES": ";".join(files),
        "HAPROXY_LOCALPEER": os.uname().nodename,
        "HAPROXY_STARTUP_VERSION": version,
        **LOG_FORMATS,
    }
