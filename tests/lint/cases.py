"""For each lint a configuration that it finds something in, and the nearest one in which it does not.

`at` is the line and the word in it that the finding points at.
"""

from __future__ import annotations

from dataclasses import dataclass

TIMES = "timeout connect 5s\ntimeout client 30s\ntimeout server 30s\ntimeout http-request 10s"
SERVER = "server s1 127.0.0.1:9001"


def config(
    *,
    globals_: str = "",
    defaults: str = TIMES,
    front: str = "default_backend app",
    bind: str = "bind 127.0.0.1:8080",
    back: str = "",
    servers: str = SERVER,
    more: str = "",
) -> str:
    """A frontend before a backend; each argument is lines of a section, `more` are further sections."""
    return (
        _section("global", globals_)
        + _section("defaults", f"mode http\n{defaults}")
        + _section("frontend web", f"{bind}\n{front}")
        + _section("backend app", f"{back}\n{servers}")
        + more
    )


def _section(head: str, lines: str) -> str:
    return f"{head}\n" + "".join(f"    {line}\n" for line in lines.splitlines() if line.strip())


def front(lines: str) -> str:
    """With lines of the frontend before its default."""
    return config(front=f"{lines}\ndefault_backend app")


@dataclass(frozen=True)
class Case:
    """A row of the table."""

    id: str
    fails: str
    passes: str
    at: tuple[str, str]


ALLOW = "http-response set-header Access-Control-Allow-Origin"
OTHER = "backend other\n    server o1 127.0.0.1:9101\n"
CHECKED = "option httpchk\nhttp-check disable-on-404\nhttp-check send uri /"
USERS = "userlist staff\n    user carol {}\n"

CASES = (
    # --- order ---
    Case(
        "LB101",
        config(
            front="use_backend other if { path /o }\nhttp-request set-header x-a 1\ndefault_backend app", more=OTHER
        ),
        config(
            front="http-request set-header x-a 1\nuse_backend other if { path /o }\ndefault_backend app", more=OTHER
        ),
        ("http-request set-header x-a 1", "http-request"),
    ),
    Case(
        "LB102",
        front("http-request return status 204\nhttp-request set-header x-a 1"),
        front("http-request return status 204 if { path /a }\nhttp-request set-header x-a 1"),
        ("http-request set-header x-a 1", "http-request"),
    ),
    Case(
        "LB103",
        front("http-request deny if { path /a }\nhttp-request redirect location /b if { path /a }"),
        front("http-request deny if { path /a }\nhttp-request redirect location /b if { path /b }"),
        ("http-request redirect location /b if { path /a }", "if"),
    ),
    Case(
        "LB104",
        config(front="use_backend app\nuse_backend other if { path /o }", more=OTHER),
        config(front="use_backend other if { path /o }\nuse_backend app", more=OTHER),
        ("use_backend other if { path /o }", "use_backend"),
    ),
    Case(
        "LB105",
        config(front="use_backend other\ndefault_backend app", more=OTHER),
        config(front="use_backend other if { path /o }\nuse_backend %[hdr(x)]\ndefault_backend app", more=OTHER),
        ("default_backend app", "default_backend"),
    ),
    Case(
        "LB106",
        front("acl a path /a\nhttp-request deny if a !a"),
        front("acl a path /a\nhttp-request deny if a or !a"),
        ("http-request deny if a !a", "a"),
    ),
    Case(
        "LB107",
        front("http-request redirect scheme https"),
        front("http-request redirect scheme https unless { dst_port 443 }"),
        ("http-request redirect scheme https", "scheme"),
    ),
    # --- acls ---
    Case(
        "LB201",
        front("acl a path /a\nacl b path /b\nhttp-request deny if a"),
        front("acl a path /a\nacl b path /b\nhttp-request deny if a !b"),
        ("acl b path /b", "b"),
    ),
    Case(
        "LB202",
        front("http-request deny if { path_beg /a -i }"),
        front("http-request deny if { path_beg -i /a }"),
        ("http-request deny if { path_beg /a -i }", "-i"),
    ),
    Case(
        "LB203",
        front("http-request deny if { hdr(host) admin.example.com }"),
        front("http-request deny if { hdr(host) -i admin.example.com }"),
        ("http-request deny if { hdr(host) admin.example.com }", "http-request"),
    ),
    Case(
        "LB204",
        front("http-request deny if { path_beg / }"),
        front("http-request deny if { path_beg /a }"),
        ("http-request deny if { path_beg / }", "http-request"),
    ),
    # --- regular expressions ---
    Case(
        "LB301",
        front("http-request deny if { path_reg ^/(a+)+$ }"),
        front("http-request deny if { path_reg ^/(a+/)+$ }"),
        ("http-request deny if { path_reg ^/(a+)+$ }", "^/(a+)+$"),
    ),
    Case(
        "LB302",
        front("http-request deny if { hdr_reg(host) -i ^www.example\\\\.com$ }"),
        front("http-request deny if { hdr_reg(host) -i ^www\\\\.example\\\\.com$ }"),
        ("http-request deny if { hdr_reg(host) -i ^www.example\\\\.com$ }", "^www"),
    ),
    Case(
        "LB303",
        front("http-request deny if { hdr_reg(host) -i ^www\\\\.example\\\\.com }"),
        front("http-request deny if { hdr_reg(host) -i ^www\\\\.example\\\\.com$ }"),
        ("http-request deny if { hdr_reg(host) -i ^www\\\\.example\\\\.com }", "^www"),
    ),
    # --- timeouts ---
    Case(
        "LB401",
        config(defaults=TIMES.replace("timeout client 30s\n", "")),
        config(),
        ("frontend web", "frontend"),
    ),
    Case(
        "LB402",
        config(defaults=TIMES.replace("timeout server 30s\n", "")),
        config(),
        ("backend app", "backend"),
    ),
    Case(
        "LB403",
        config(defaults=TIMES.replace("timeout connect 5s\n", "")),
        config(),
        ("backend app", "backend"),
    ),
    Case(
        "LB404",
        config(defaults=TIMES.replace("timeout http-request 10s", "")),
        config(),
        ("frontend web", "frontend"),
    ),
    Case(
        "LB405",
        config(front="use_backend other if { hdr(upgrade) -i websocket }\ndefault_backend app", more=OTHER),
        config(
            front="use_backend other if { hdr(upgrade) -i websocket }\ndefault_backend app",
            more=f"{OTHER}    timeout tunnel 1h\n",
        ),
        ("use_backend other if { hdr(upgrade) -i websocket }", "use_backend"),
    ),
    Case(
        "LB406",
        config(defaults=TIMES.replace("client 30s", "client 30")),
        config(defaults=TIMES.replace("client 30s", "client 30000")),
        ("timeout client 30", "30"),
    ),
    Case(
        "LB407",
        config(servers=f"{SERVER} maxconn 10"),
        config(back="timeout queue 5s", servers=f"{SERVER} maxconn 10"),
        (f"{SERVER} maxconn 10", "maxconn"),
    ),
    # --- servers ---
    Case(
        "LB501",
        config(servers=f"{SERVER}\nserver s2 127.0.0.1:9001"),
        config(servers=f"{SERVER}\nserver s2 127.0.0.1:9002"),
        ("server s2 127.0.0.1:9001", "127.0.0.1:9001"),
    ),
    Case(
        "LB502",
        config(servers=""),
        config(servers="", back="http-request return status 503"),
        ("backend app", "backend"),
    ),
    Case(
        "LB503",
        config(more=OTHER),
        config(front="use_backend %[path,word(1,/)]\n", more=OTHER),
        ("backend other", "other"),
    ),
    Case(
        "LB504",
        config(front="use_backend app if { path /a }"),
        config(front="use_backend app"),
        ("frontend web", "frontend"),
    ),
    Case(
        "LB505",
        config(more="frontend twin\n    bind 127.0.0.1:8080\n    default_backend app\n"),
        config(more="frontend twin\n    bind 127.0.0.1:8081\n    default_backend app\n"),
        ("bind 127.0.0.1:8080", "127.0.0.1:8080"),
    ),
    Case(
        "LB506",
        config(back="retry-on all-retryable-errors"),
        config(back="retry-on all-retryable-errors\nhttp-request disable-l7-retry unless METH_GET"),
        ("retry-on all-retryable-errors", "retry-on"),
    ),
    Case(
        "LB507",
        config(back="http-reuse always\nsource 127.0.0.2"),
        config(back="http-reuse always"),
        ("http-reuse always", "http-reuse"),
    ),
    Case(
        "LB508",
        config(servers=f"{SERVER} disabled"),
        config(servers=f"{SERVER} disabled\nserver s2 127.0.0.1:9002"),
        ("backend app", "backend"),
    ),
    Case(
        "LB509",
        config(back="cookie SRV insert indirect", servers=f"{SERVER} cookie a"),
        config(back="cookie SRV insert indirect nocache", servers=f"{SERVER} cookie a"),
        ("cookie SRV insert indirect", "insert"),
    ),
    Case(
        "LB510",
        config(back="cookie SRV rewrite", servers=f"{SERVER} cookie a\nserver s2 127.0.0.1:9002"),
        config(back="cookie SRV rewrite", servers=f"{SERVER} cookie a\nserver s2 127.0.0.1:9002 cookie b"),
        ("server s2 127.0.0.1:9002", "server"),
    ),
    Case(
        "LB511",
        config(back="cookie SRV rewrite", servers=f"{SERVER} cookie a\nserver s2 127.0.0.1:9002 cookie a"),
        config(back="cookie SRV rewrite", servers=f"{SERVER} cookie a\nserver s2 127.0.0.1:9002 cookie b"),
        ("server s2 127.0.0.1:9002 cookie a", "cookie"),
    ),
    # --- trust ---
    Case(
        "LB601",
        front("option forwardfor"),
        front("option forwardfor\nhttp-request del-header X-Forwarded-For"),
        ("option forwardfor", "forwardfor"),
    ),
    Case(
        "LB602",
        front("http-request deny unless { req.hdr_ip(X-Forwarded-For) 10.0.0.0/8 }"),
        front("http-request deny unless { src 10.0.0.0/8 }"),
        ("http-request deny unless { req.hdr_ip(X-Forwarded-For) 10.0.0.0/8 }", "req.hdr_ip"),
    ),
    Case(
        "LB603",
        front("http-request set-src hdr(x-client)"),
        front("http-request set-src hdr(x-client) if { src 10.0.0.0/8 }"),
        ("http-request set-src hdr(x-client)", "set-src"),
    ),
    Case(
        "LB604",
        front("http-request redirect location %[urlp(next)] if { path /login }"),
        front("http-request redirect location /start?%[query] if { path /login }"),
        ("http-request redirect location %[urlp(next)] if { path /login }", "%[urlp(next)]"),
    ),
    Case(
        "LB605",
        front(f"http-request set-var(txn.o) req.hdr(origin)\n{ALLOW} %[var(txn.o)]"),
        front(f"http-request set-var(txn.o) req.hdr(origin) if {{ src 10.0.0.1 }}\n{ALLOW} %[var(txn.o)]"),
        (f"{ALLOW} %[var(txn.o)]", "%["),
    ),
    Case(
        "LB606",
        front("http-after-response set-header Location https://%[capture.req.hdr(0)]/"),
        front("http-after-response set-header Location https://example.com/"),
        ("http-after-response set-header Location https://%[capture.req.hdr(0)]/", "https"),
    ),
    # --- process ---
    Case(
        "LB701",
        config(globals_="stats socket /run/lb.sock mode 666"),
        config(globals_="stats socket /run/lb.sock mode 660"),
        ("stats socket /run/lb.sock mode 666", "mode"),
    ),
    Case(
        "LB702",
        config(globals_="stats socket 127.0.0.1:9999 level admin"),
        config(globals_="stats socket 127.0.0.1:9999 level user"),
        ("stats socket 127.0.0.1:9999 level admin", "admin"),
    ),
    Case(
        "LB703",
        config(more=USERS.format("insecure-password secret")),
        config(more=USERS.format("password $5$saltsalt$Z0nQtkSHtGj6zXjQX2yCSxN8U6VTzeNYfXYoaMx5V.5")),
        ("user carol insecure-password secret", "insecure-password"),
    ),
    Case(
        "LB704",
        config(globals_="nbthread 5"),
        config(globals_="nbthread 4"),
        ("nbthread 5", "5"),
    ),
    Case(
        "LB705",
        config(globals_="maxconn 2048"),
        config(globals_="maxconn 2000"),
        ("maxconn 2048", "2048"),
    ),
    Case(
        "LB706",
        front("option httplog"),
        front("option httplog\nlog 127.0.0.1:514 local0"),
        ("option httplog", "option"),
    ),
    Case(
        "LB707",
        front("log 127.0.0.1:514 local0"),
        front("option httplog\nlog 127.0.0.1:514 local0"),
        ("frontend web", "frontend"),
    ),
    # --- words ---
    Case(
        "LB801",
        front("http-request set-tos 8"),
        front("http-request set-fc-tos 8"),
        ("http-request set-tos 8", "set-tos"),
    ),
    Case(
        "LB802",
        front("http-request deny if { cook(a) b }"),
        front("http-request deny if { req.cook(a) b }"),
        ("http-request deny if { cook(a) b }", "cook(a)"),
    ),
    Case(
        "LB803",
        front("redirect location /b if { path /a }"),
        front("http-request redirect location /b if { path /a }"),
        ("redirect location /b if { path /a }", "redirect"),
    ),
    # --- checks ---
    Case(
        "LB901",
        config(servers=f"{SERVER} inter 5s rise 3"),
        config(servers=f"{SERVER} check inter 5s rise 3"),
        (f"{SERVER} inter 5s rise 3", "inter"),
    ),
    Case(
        "LB902",
        config(back="option httpchk"),
        config(back="option httpchk", servers=f"{SERVER} check"),
        ("option httpchk", "httpchk"),
    ),
    Case(
        "LB903",
        config(back=f"{CHECKED}\nhttp-check expect rstatus ^[1-5]", servers=f"{SERVER} check"),
        config(back=f"{CHECKED}\nhttp-check expect rstatus ^[23]", servers=f"{SERVER} check"),
        ("http-check expect rstatus ^[1-5]", "rstatus"),
    ),
    Case(
        "LB904",
        config(back="option httpchk\ntimeout check 10s", servers=f"{SERVER} check inter 2s"),
        config(back="option httpchk\ntimeout check 1s", servers=f"{SERVER} check inter 2s"),
        (f"{SERVER} check inter 2s", "check"),
    ),
)
