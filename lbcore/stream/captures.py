"""What `capture` lines keep of a stream for its logs (manual 4.2): fields of the request and of the response, a cookie.

A step each for a frontend's requests and responses, and one for the cookie of requests. The slots are those of the
frontend, also while a backend's rules run, which may fill others of them (`http-request capture`). Where nothing comes
before the captures that could end a stream, fields of requests are looked for when somebody asks for them
(`Txn.captures_req`): most of the time only the shim does, for its log lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lbcore.proxy.settings import CookieCapture, ProxySettings
from lbcore.stream.cookies import Cookies, pairs
from lbcore.stream.slots import capture, fields_of, make_late_captures
from lbcore.stream.txn import Txn

Capture = Callable[[Txn], None]


def make_request_captures(settings: ProxySettings) -> Capture | None:
    """The step that captures fields of requests that a frontend's settings ask for, None if that is nothing."""
    late = make_late_captures(settings) is not None
    fields = [] if late else fields_of(settings.captures_request)
    if not fields:
        return None
    size = len(settings.captures_request)

    def run(t: Txn) -> None:
        request = t.req
        assert request is not None, "a step of requests"
        t.captures_req = slots = t.captures_req or [None] * size
        capture(request.text, fields, slots)

    return run


def make_cookie_capture(settings: ProxySettings) -> Capture | None:
    """The step that captures a frontend's cookie of requests, None if it captures none.

    It stands behind all rules, so that what they have made of the field is captured, and of a request that they answer
    nothing is, unless they deny it.
    """
    cookie = settings.capture_cookie
    if cookie is None:
        return None

    def run(t: Txn) -> None:
        request = t.req
        assert request is not None, "a step of requests"
        cookies_of(t).client_value = _cookie(request.all("cookie"), cookie)

    return run


def make_response_captures(settings: ProxySettings) -> Capture | None:
    """The same for responses."""
    fields = fields_of(settings.captures_response)
    cookie = settings.capture_cookie
    if not fields and cookie is None:
        return None
    size = len(settings.captures_response)

    def run(t: Txn) -> None:
        response = t.res
        assert response is not None, "a step of responses"
        if fields:
            t.captures_res = slots = t.captures_res or [None] * size
            capture(response.text, fields, slots)
        if cookie is not None:
            set_by_server = (value.partition(";")[0] for value in response.all("set-cookie"))
            cookies_of(t).server_value = _cookie(set_by_server, cookie)

    return run


def cookies_of(t: Txn) -> Cookies:
    """What is known of a stream's cookies, so far nothing perhaps."""
    if t.cookies is None:
        t.cookies = Cookies()
    found: Cookies = t.cookies
    return found


def _cookie(values: Iterable[str], wanted: CookieCapture) -> str | None:
    """The first cookie of the fields whose text, `name=value`, begins as wanted."""
    for value in values:
        for text in pairs(value):
            if text.startswith(wanted.prefix):
                return text[: wanted.length]
    return None
