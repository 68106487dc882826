"""What a request for the statistics page asks for, by its target (manual 4.2 "stats uri", management guide).

Options stand anywhere behind the page's own prefix: `/stats;up;csv`, `/stats;norefresh?scope=web`.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple
from urllib.parse import quote, unquote

SCOPE_MAX = 20  # characters of `scope=`, as in HAProxy

# What the page says when it comes back from a form: by the words of `;st=`.
OUTCOMES = {
    "DONE": (True, "Action processed successfully."),
    "NONE": (False, "Nothing has changed."),
    "PART": (False, "Action partially processed. Some server names are probably unknown (ambiguous?)."),
    "ERRP": (False, "Action not processed because of invalid parameters: no action, or an unknown backend or server."),
    "EXCD": (False, "Action not processed: the buffer couldn't hold all the data. Retry with fewer servers at a time."),
    "DENY": (False, "Action denied."),
    "UNKN": (False, "Unexpected result."),
}  # fmt: skip


class Form(Enum):
    """What the answer is. Of several the first one here that the target names."""

    JSON_SCHEMA = ";json-schema"
    JSON = ";json"
    TYPED = ";typed"
    CSV = ";csv"
    LIVE = ";live"  # ours: what the page's script asks for again and again
    ASSET = ";asset="
    PAGE = ""


class Asked(NamedTuple):
    """One request."""

    form: Form
    asset: str = ""  # name of a file of the page
    up: bool = False  # no servers that are down
    no_maint: bool = False  # no servers in maintenance
    norefresh: bool = False
    scope: str = ""  # only proxies whose names have this in them, in any case
    outcome: str = ""  # of OUTCOMES, "": no form was sent

    def url(self, prefix: str, *, form: Form = Form.PAGE, **changes: object) -> str:
        """The target that asks for the same in another form, or with other options."""
        other = self._replace(form=form, outcome="")._replace(**changes)  # type: ignore[arg-type]
        text = prefix
        if other.outcome:
            text += f";st={other.outcome}"
        for flag, word in ((other.up, ";up"), (other.no_maint, ";no-maint"), (other.norefresh, ";norefresh")):
            if flag:
                text += word
        text += other.form.value
        return f"{text}?scope={quote(other.scope, safe='', errors='surrogateescape')}" if other.scope else text


_ASSET = re.compile(r";asset=([A-Za-z0-9.-]+)")
_OUTCOME = re.compile(r";st=([A-Z]{4})")
_SCOPE = re.compile(r"scope=([^;&\s]*)")


def read(target: str, prefix: str) -> Asked:
    """What a target that begins with the page's prefix asks for."""
    options = target[len(prefix) :]
    form = next(form for form in Form if form.value in options)
    asset, outcome, scope = _ASSET.search(options), _OUTCOME.search(options), _SCOPE.search(options)
    name = outcome[1] if outcome else ""
    return Asked(
        form,
        asset[1] if asset else "",
        ";up" in options,
        ";no-maint" in options,
        ";norefresh" in options,
        unquote(scope[1])[:SCOPE_MAX] if scope else "",
        (name if name in OUTCOMES else "UNKN") if name else "",
    )
