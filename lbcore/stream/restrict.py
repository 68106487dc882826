"""`option http-restrict-req-hdr-names` (manual 4.2): names of fields that some servers take for others.

A server that hands fields on as variables (CGI and its heirs) takes `x_user` and `x-user` for the same; of the names it
is to believe only those of letters, digits and "-" are left.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lbcore.proxy.settings import ProxySettings
from lbcore.stream.message import Fields
from lbcore.stream.pages import error_page, outcome_of
from lbcore.stream.rules import Outcome
from lbcore.stream.txn import Txn

FORBIDDEN = 403
_PLAIN = re.compile(r"[a-z0-9-]+")
_OTHER = re.compile(r"\r\n[a-z0-9-]*[^a-z0-9\r\n:-][^:\r\n]*: ")


def has_other_names(fields: Fields) -> bool:
    """Whether any name has another character."""
    return _OTHER.search(fields.text) is not None


def is_other_name(name: str) -> bool:
    """Whether a name, in lower case, has another character."""
    return _PLAIN.fullmatch(name) is None


def make_restrict(settings: ProxySettings) -> Callable[[Txn], Outcome | None] | None:
    """The step of a proxy's requests, behind its rules, that removes such fields, or refuses requests that have one.

    None if they are left alone.
    """
    if settings.restrict_names == "preserve":
        return None
    reject = settings.restrict_names == "reject"

    def run(t: Txn) -> Outcome | None:
        request = t.req
        assert request is not None, "a step of requests"
        if not has_other_names(request):
            return None
        if reject:
            return outcome_of(FORBIDDEN, error_page(t, FORBIDDEN), "PR", "denied_req")
        request.remove_if(is_other_name)
        return None

    return run
