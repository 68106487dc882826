"""HTTP authentication as a server asks for it (RFC 9110 11, RFC 7617)."""

from __future__ import annotations

CHALLENGE = "www-authenticate"
PROXY_CHALLENGE = "proxy-authenticate"


def basic(realm: str) -> str:
    """The challenge of the Basic scheme, with the realm as a quoted string. The realm has no control characters."""
    quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
    return f'Basic realm="{quoted}"'
