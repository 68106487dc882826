"""Checks of real servers, by the name of the server: what a backend says, and what its first log line is to tell."""

from __future__ import annotations

from dataclasses import dataclass

from tests.check.row import Row


@dataclass(frozen=True, slots=True)
class RealRow:
    """A check of the real server `at`; `told`: what the log says of how it ended."""

    at: str
    row: Row
    told: str


def _row(at: str, name: str, told: str, *lines: str) -> RealRow:
    return RealRow(at, Row(f"{at}-{name}", lines), told)


ROWS: tuple[RealRow, ...] = (
    _row("smtp", "plain", 'check passed, code: 221, info: "Bye"', "option smtpchk"),
    _row("smtp", "helo", 'check passed, code: 221, info: "Bye"', "option smtpchk HELO client.test"),
    _row("smtp", "ehlo", 'check passed, code: 221, info: "Bye"', "option smtpchk EHLO client.test"),
    _row("smtp", "other", 'check passed, code: 221, info: "Bye"', "option smtpchk LHLO client.test"),
    _row("smtp", "helo-refused", "timeout", "option smtpchk HELO nobody.example"),
    _row("smtp", "ehlo-refused", "timeout", "option smtpchk EHLO nobody.example"),
    _row(
        "smtp",
        "tcp",
        'check passed, code: 0, info: "(tcp-check)"',
        "option tcp-check",
        "tcp-check expect rstring ^220",
        "tcp-check send QUIT\\r\\n",
        "tcp-check expect string 221",
    ),
    _row("redis", "open", 'check passed, code: 0, info: "Redis server is ok"', "option redis-check"),
    _row(
        "redis",
        "role",
        'check passed, code: 0, info: "(tcp-check)"',
        "option tcp-check",
        "tcp-check send info\\ replication\\r\\n",
        "tcp-check expect string role:master",
    ),
    _row(
        "redis",
        "slave",
        "invalid response, info: \"TCPCHK did not match content 'role:slave' at step 2\"",
        "option tcp-check",
        "tcp-check send info\\ replication\\r\\n",
        "tcp-check expect min-recv 10 string role:slave",
    ),
    _row("locked_redis", "locked", "timeout", "option redis-check"),
    _row(
        "locked_redis",
        "opened",
        'check passed, code: 0, info: "(tcp-check)"',
        "option tcp-check",
        "tcp-check send AUTH\\ sesame\\r\\n",
        "tcp-check expect string +OK",
        "tcp-check send PING\\r\\n",
        "tcp-check expect string +PONG",
    ),
    _row(
        "postgresql",
        "trusted",
        'check passed, code: 0, info: "PostgreSQL server is ok"',
        "option pgsql-check user trusted",
    ),
    _row(
        "postgresql", "asked", 'check passed, code: 0, info: "PostgreSQL server is ok"', "option pgsql-check user asked"
    ),
    _row(
        "postgresql",
        "hashed",
        'check passed, code: 0, info: "PostgreSQL server is ok"',
        "option pgsql-check user hashed",
    ),
    _row("postgresql", "rejected", 'invalid response, info: "FATAL"', "option pgsql-check user rejected"),
    _row(
        "postgresql",
        "unknown",
        'check passed, code: 0, info: "PostgreSQL server is ok"',
        "option pgsql-check user stranger",
    ),
    _row("mariadb", "greeting", 'check passed, code: 0, info: "5.5.5-10.11.', "option mysql-check"),
    _row("mariadb", "plain", 'check passed, code: 0, info: "5.5.5-10.11.', "option mysql-check user plain"),
    _row("mariadb", "post41", 'check passed, code: 0, info: "5.5.5-10.11.', "option mysql-check user plain post-41"),
    _row("mariadb", "pre41", 'check passed, code: 0, info: "5.5.5-10.11.', "option mysql-check user plain pre-41"),
    _row(
        "mariadb",
        "keyed",
        "wrong status, code: 1045, info: \"#28000Access denied for user 'keyed'@'127.0.0.1' (using password: NO)\"",
        "option mysql-check user keyed",
    ),
    _row(
        "mariadb",
        "keyed-pre41",
        "wrong status, code: 1045, info: \"Access denied for user 'keyed'@'127.0.0.1' (using password: NO)\"",
        "option mysql-check user keyed pre-41",
    ),
    _row(
        "mariadb",
        "locked",
        'wrong status, code: 4151, info: "#HY000Access denied, this account is locked"',
        "option mysql-check user locked",
    ),
    _row(
        "mariadb",
        "unknown",
        "wrong status, code: 1045, info: \"#28000Access denied for user 'stranger'@'127.0.0.1' (using password: NO)\"",
        "option mysql-check user stranger",
    ),
    _row("ldap", "anonymous", 'check passed, code: 0, info: "Success"', "option ldap-check"),
    _row(
        "closed_ldap",
        "refused",
        'wrong status, code: 48, info: "See RFC: http://tools.ietf.org/html/rfc4511#section-4.1.9"',
        "option ldap-check",
    ),
    _row("nginx", "httpchk", 'wrong status, code: 405, info: "Not Allowed"', "option httpchk"),
    _row("nginx", "get", "check passed, code: 200", "option httpchk GET /small"),
    _row("nginx", "head", "check passed, code: 200", "option httpchk HEAD /small"),
    _row(
        "nginx",
        "http11",
        "check passed, code: 200",
        "option httpchk",
        "http-check send meth GET uri /16k ver HTTP/1.1 hdr Host www.test",
    ),
    _row("nginx", "no-host", 'wrong status, code: 400, info: "Bad Request"', "option httpchk GET /small HTTP/1.1"),
    _row("nginx", "missing", 'wrong status, code: 404, info: "Not Found"', "option httpchk GET /none"),
    _row("nginx", "string", "check passed, code: 200", "option httpchk GET /small", "http-check expect string Hello"),
    _row(
        "nginx",
        "not-string",
        'invalid response, info: "HTTP check matched unwanted content"',
        "option httpchk GET /small",
        "http-check expect ! string Hello",
    ),
    _row(
        "nginx",
        "hdr",
        "check passed, code: 200",
        "option httpchk GET /small",
        "http-check expect hdr name content-type value -m beg text/",
    ),
    _row(
        "nginx",
        "chunked",
        "check passed, code: 200",
        "option httpchk",
        "http-check send meth GET uri /chunked ver HTTP/1.1 hdr Host a",
        "http-check expect rstring [a-z]{3}",
    ),
    _row(
        "nginx",
        "post",
        "check passed, code: 200",
        "option httpchk",
        "http-check send meth POST uri /post body abc",
        "http-check expect status 200",
    ),
    _row("nginx", "redis", 'wrong status, code: 0, info: "HTTP/1.1 400 Bad Request"', "option redis-check"),
    _row("nginx", "ssl", "Layer6 invalid response", "option ssl-hello-chk"),
    _row("nginx", "ldap", 'invalid response, info: "Not LDAPv3 protocol"', "option ldap-check"),
    _row("redis", "http", "invalid response", "option httpchk"),
    _row("mariadb", "smtp", 'invalid response, info: "', "option smtpchk"),
    _row(
        "mariadb", "pgsql", 'wrong status, code: 0, info: "PostgreSQL unknown error"', "option pgsql-check user trusted"
    ),
    _row("postgresql", "ldap", 'invalid response, info: "TCPCHK got an empty response at step 2"', "option ldap-check"),
    _row("ldap", "mysql", "timeout", "option mysql-check"),
    _row("smtp", "mysql", "timeout", "option mysql-check user plain"),
    _row("smtp", "spop", "timeout", "option spop-check"),
)
