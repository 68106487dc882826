"""The keyword table itself, and what good lines make of the settings, one claim per group of keywords."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Iterator

import pytest

from lbcore.base.address import Address
from lbcore.base.diag import Severity
from lbcore.base.registry import RegistryError
from lbcore.cfg.arguments import Args
from lbcore.cfg.keywords import KEYWORDS, Keyword, KeywordTable, listing, manual
from lbcore.cfg.known import knows
from lbcore.cfg.loader import load
from lbcore.cfg.sections import SECTIONS
from lbcore.conn.settings import BindSettings
from lbcore.log.settings import FACILITIES
from lbcore.proxy.balance import Balance, HashType
from lbcore.proxy.settings import ForwardFor, GlobalSettings, ProxySettings, ServerSettings, Settings

KINDS = {
    "global": "global",
    "bind": "bind",
    "server": "server",
    "default-server": "server",
    "userlist": "userlist",
    "http-errors": "http-errors",
    "log-profile": "log-profile",
    "peers": "peers",
}


def good(text: str) -> Settings:
    """The settings of a configuration without a word to say about it."""
    settings, diagnostics = load([("lb.cfg", text)], env={})
    assert [m.text for m in diagnostics.messages] == []
    return settings


def global_of(*lines: str) -> GlobalSettings:
    return good("global\n" + "".join(f"    {line}\n" for line in lines)).globals


def listen_of(*lines: str) -> ProxySettings:
    start = ("mode http", "bind :8080", "timeout client 1s", "timeout server 1s", "timeout connect 1s")
    return good("listen l\n" + "".join(f"    {line}\n" for line in (*start, *lines))).proxies[0]


def bind_of(options: str) -> BindSettings:
    return listen_of(f"bind 127.0.0.1:81 {options}").binds[1]


def server_of(options: str) -> ServerSettings:
    return listen_of(f"server s 127.0.0.1:81 {options}").servers[0]


def nothing(args: Args) -> None:
    """A parse function for tables of tests."""


def rows() -> Iterator[tuple[str, Keyword]]:
    for place in KEYWORDS.places():
        for row in KEYWORDS.rows(place):
            yield place, row


def test_finds_two_words_before_one() -> None:
    table = KeywordTable()
    one = Keyword(("stats",), ("global",), nothing, "", "")
    two = Keyword(("stats", "socket"), ("global",), nothing, "", "")
    table.register(one, two)
    assert table.find("global", "stats", "socket") is two
    assert table.find("global", "stats", "x") is one
    assert table.find("global", "socket") is None
    assert table.find("listen", "stats") is None
    assert table.words("global") == ["stats"]
    assert table.seconds("global", "stats") == ["socket"]


def test_refuses_a_word_claimed_twice_for_a_place() -> None:
    table = KeywordTable()
    table.register(Keyword(("id",), ("bind", "server"), nothing, "", ""))
    with pytest.raises(RegistryError, match="keyword 'server/id' is claimed twice"):
        table.register(Keyword(("id",), ("server",), nothing, "", ""))


def test_refuses_words_once_the_sections_are_imported() -> None:
    assert SECTIONS
    with pytest.raises(RegistryError):
        KEYWORDS.register(Keyword(("new",), ("global",), nothing, "", ""))


OURS = {"profiling.locks", "regex-engine"}  # words that HAProxy does not have
UNLISTED = {"hash-balance-factor"}  # words that it understands, but does not list


def test_every_keyword_is_one_of_haproxys_or_known_to_be_ours() -> None:
    for place, row in rows():
        if row.words[0] in UNLISTED:
            continue
        if row.words[0] in OURS:
            assert not knows("global", row.words[0])
            continue
        if len(row.words) == 2 and row.words[0] in ("option", "timeout"):
            assert knows(row.words[0], row.words[1]), row.name
        else:
            assert knows(KINDS.get(place, "proxy"), row.words[0]), f"{place}: {row.name}"


def test_every_keyword_says_in_one_sentence_what_it_is() -> None:
    for _place, row in rows():
        assert row.doc.endswith("."), row.name
        assert len(row.doc) < 100
        assert row.since


def test_lists_all_keywords_with_their_arguments() -> None:
    lines = list(listing())
    assert {"global", "listen"} <= set(lines)
    assert "\tnbthread <number>" in lines
    assert "\toption forwardfor [except <network>] [header <name>] [if-none]" in lines


def test_writes_a_paragraph_about_every_keyword() -> None:
    text = "\n".join(manual())
    assert "``nbthread <number>``\n    How many threads work, 1 to 64; else one for each CPU. Since 0.1." in text
    assert "``[no] option dontlognull``" in text


def test_reads_the_limits_of_the_process() -> None:
    found = global_of(
        "nbthread 4", "maxconn 1000", "maxconnrate 10", "maxsessrate 20", "maxpipes 30", "ulimit-n 5000",
        "hard-stop-after 30s", "grace 500ms",
    )  # fmt: skip
    assert (found.nbthread, found.maxconn, found.maxconnrate, found.maxsessrate) == (4, 1000, 10, 20)
    assert (found.maxpipes, found.ulimit_n, found.hard_stop_after, found.grace) == (30, 5000, 30_000, 500)


def test_reads_what_the_process_is() -> None:
    found = global_of(
        "daemon", "pidfile /run/lb.pid", "chroot /var/empty", "node a-1", "description a b", "quiet", "zero-warning",
        "set-dumpable", "no strict-limits",
    )  # fmt: skip
    assert (found.daemon, found.quiet, found.zero_warning, found.set_dumpable) == (True, True, True, True)
    assert found.strict_limits is False
    assert (found.pidfile, found.chroot, found.node, found.description) == ("/run/lb.pid", "/var/empty", "a-1", "a b")


def test_reads_users_by_name_and_by_number() -> None:
    name = pwd.getpwuid(os.getuid()).pw_name
    assert (global_of(f"user {name}").uid, global_of(f"user {name}").user) == (os.getuid(), name)
    numbers = global_of("uid 65534", "gid 65533")
    assert (numbers.uid, numbers.gid) == (65534, 65533)


@pytest.mark.parametrize("word", ["noepoll", "nopoll", "nokqueue", "nosplice", "noreuseport"])
def test_reads_what_is_to_be_done_without(word: str) -> None:
    assert getattr(global_of(word), word) is True
    assert getattr(GlobalSettings(), word) is False


def test_reads_tuning() -> None:
    found = global_of(
        "tune.bufsize 32k", "tune.maxrewrite 2048", "tune.maxaccept -1", "tune.maxpollevents 50",
        "tune.http.maxhdr 200", "tune.pipesize 64k", "tune.idle-pool.shared off", "tune.rcvbuf.client 1",
        "tune.rcvbuf.server 2", "tune.sndbuf.client 3", "tune.sndbuf.server 4",
    )  # fmt: skip
    assert (found.bufsize, found.maxrewrite, found.maxaccept, found.maxpollevents) == (32768, 2048, -1, 50)
    assert (found.maxhdr, found.pipesize, found.idle_pool_shared) == (200, 65536, False)
    assert (found.rcvbuf_client, found.rcvbuf_server, found.sndbuf_client, found.sndbuf_server) == (1, 2, 3, 4)


def test_keeps_at_most_half_a_buffer_for_rewriting() -> None:
    assert global_of("tune.bufsize 4096", "tune.maxrewrite 4000").maxrewrite == 2048


def test_maps_threads_to_cpus_one_by_one_or_as_a_set() -> None:
    assert global_of("cpu-map auto:1/1-3 0-2").cpu_map == {1: {0}, 2: {1}, 3: {2}}
    assert global_of("cpu-map 1/1-2 0,2-3 5").cpu_map == {1: {0, 2, 3, 5}, 2: {0, 2, 3, 5}}
    assert set(global_of("cpu-map 1/odd 0").cpu_map) == set(range(1, 65, 2))
    assert set(global_of("cpu-map all 0").cpu_map) == set(range(1, 65))


def test_changes_variables_for_the_lines_that_follow() -> None:
    found = global_of("setenv A 1", "presetenv A 2", "presetenv B 3", 'node "$A-$B"')
    assert found.node == "1-3"
    assert global_of("setenv A x", "unsetenv A", 'node "${A-y}"').node == "y"


def test_reads_log_targets() -> None:
    found = global_of(
        "log 10.0.0.1 local0",
        "log 10.0.0.1:5514 len 4096 format rfc5424 sample 1,3-4:5 local7 notice err",
        "log stdout format raw daemon",
        "log /dev/log format short",
        "log-tag lb",
        "log-send-hostname",
    )
    plain, full, out, path = found.log_targets
    assert plain.address == Address(socket.AF_INET, "10.0.0.1", 514, datagram=True)
    assert (plain.facility, plain.level, plain.minlevel, plain.maxlen, plain.format) == (16, 7, 0, 1024, None)
    assert (full.address.port, full.maxlen, full.format) == (5514, 4096, "rfc5424")
    assert (full.sample_ranges, full.sample_size) == (((1, 1), (3, 4)), 5)
    assert (full.facility, full.level, full.minlevel) == (FACILITIES.index("local7"), 5, 3)
    assert (out.address.fd, out.format) == (1, "raw")
    assert (path.address.host, path.facility) == ("/dev/log", None)
    assert (found.log_tag, found.log_send_hostname) == ("lb", "")


def test_reads_stats_sockets() -> None:
    found = global_of(
        'stats socket "/run/lb.sock" level admin mode 600', "stats socket ipv4@127.0.0.1:9000 severity-output number",
        "stats timeout 2m", "stats maxconn 5",
    )  # fmt: skip
    path, port = found.stats_sockets
    assert (path.address.host, path.level, path.mode, path.where) == ("/run/lb.sock", "admin", 0o600, "lb.cfg:2")
    assert (port.address.port, port.level, port.severity_output) == (9000, "operator", "number")
    assert (found.stats_timeout, found.stats_maxconn) == (120_000, 5)


def test_unix_sockets_of_binds_start_from_unix_bind() -> None:
    text = (
        "global\n unix-bind prefix /run mode 600 uid 5 gid 6\n stats socket /s\n"
        "frontend f\n timeout client 1s\n bind /a\n bind /b mode 666 gid 7\n"
    )
    settings = good(text)
    a, b = settings.proxies[0].binds
    assert (a.address.host, a.mode, a.uid, a.gid) == ("/run/a", 0o600, 5, 6)
    assert (b.address.host, b.mode, b.uid, b.gid) == ("/run/b", 0o666, 5, 7)
    assert settings.globals.stats_sockets[0].address.host == "/s"


def test_a_bind_line_makes_a_listener_of_every_address_and_port() -> None:
    binds = listen_of("bind :9000-9001,[::1]:9005 name x maxconn 5").binds[1:]
    assert [str(bind.address) for bind in binds] == ["*:9000", "*:9001", "[::1]:9005"]
    assert {(bind.name, bind.maxconn, bind.where) for bind in binds} == {("x", 5, "lb.cfg:7")}
    assert [bind.id for bind in binds] == [2, 3, 4]


def test_reads_options_of_listeners() -> None:
    found = bind_of(
        "id 70 maxconn 5 backlog 6 interface lo mss -800 tcp-ut 9s tfo v4v6 v6only transparent defer-accept "
        "thread 1/1-2,4 level user mode 640 uid 1 gid 2 severity-output string"
    )
    assert (found.id, found.maxconn, found.backlog, found.interface) == (70, 5, 6, "lo")
    assert (found.mss, found.tcp_ut, found.tfo, found.v4v6, found.v6only) == (-800, 9000, True, True, True)
    assert (found.transparent, found.defer_accept, found.thread) == (True, True, "1/1-2,4")
    assert found.threads == frozenset({1, 2, 4})
    assert (found.level, found.mode, found.uid, found.gid, found.severity_output) == ("user", 0o640, 1, 2, "string")


def test_reads_options_of_servers() -> None:
    found = server_of(
        "id 70 weight 50 maxconn 5 backup disabled tcp-ut 9 tfo pool-max-conn 10 pool-low-conn 11 "
        "pool-purge-delay 12s max-reuse 13 source 127.0.0.2:99 interface lo"
    )
    assert (found.id, found.weight, found.maxconn, found.backup) == (70, 50, 5, True)
    assert (found.disabled, found.tcp_ut, found.tfo, found.pool_max_conn) == (True, 9, True, 10)
    assert (found.pool_low_conn, found.pool_purge_delay, found.max_reuse) == (11, 12_000, 13)
    assert found.source == Address(socket.AF_INET, "127.0.0.2", 99)
    assert found.interface == "lo"


def test_servers_start_from_the_default_server_lines_above_them() -> None:
    lines = (
        "server a 127.0.0.1:1", "default-server weight 5 backup tfo disabled", "server b 127.0.0.1:1",
        "server c 127.0.0.1:1 weight 6 no-backup no-tfo enabled", "default-server maxconn 7", "server d 127.0.0.1:1",
    )  # fmt: skip
    a, b, c, d = listen_of(*lines).servers
    assert (a.weight, a.backup) == (1, False)
    assert (b.weight, b.backup, b.tfo, b.disabled, b.maxconn) == (5, True, True, True, 0)
    assert (c.weight, c.backup, c.tfo, c.disabled) == (6, False, False, False)
    assert (d.weight, d.backup, d.maxconn, d.name) == (5, True, 7, "d")


def test_a_minconn_alone_is_the_maxconn_too() -> None:
    assert server_of("minconn 5").maxconn == 5
    assert server_of("minconn 5 maxconn 9").maxconn == 9


def test_reads_all_timeouts() -> None:
    words = ("client", "client-fin", "server", "server-fin", "connect", "queue", "tunnel", "http-request")
    text = "defaults\n" + "".join(f" timeout {word} {n}s\n" for n, word in enumerate((*words, "http-keep-alive"), 1))
    found = good(text + "backend b\n").proxies[0].timeouts
    assert [getattr(found, word.replace("-", "_")) for word in words] == [n * 1000 for n in range(1, 9)]
    assert found.http_keep_alive == 9_000


def test_a_timeout_of_zero_is_no_limit() -> None:
    assert listen_of("timeout queue 0").timeouts.queue is None


def test_reads_limits_of_proxies() -> None:
    found = listen_of(
        "maxconn 5", "fullconn 6", "backlog 7", "rate-limit sessions 8", "retries 9", "id 50", "description a b"
    )
    assert (found.maxconn, found.fullconn, found.backlog, found.rate_limit_sessions) == (5, 6, 7, 8)
    assert (found.retries, found.id, found.description) == (9, 50, "a b")


def test_reads_balance_and_hash_type() -> None:
    found = listen_of("balance source", "hash-type map-based djb2 avalanche")
    assert (found.balance, found.hash_type) == (Balance("source"), HashType("map-based", "djb2", True))
    assert listen_of("hash-type map-based").hash_type == HashType("map-based", "sdbm", False)
    assert listen_of("hash-type consistent").hash_type == HashType("consistent", "sdbm", True)
    assert listen_of("hash-type consistent sdbm").hash_type == HashType("consistent", "sdbm", False)
    assert listen_of("balance static-rr").balance == Balance("static-rr")
    assert listen_of("balance").balance == Balance()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("random", Balance("random")),
        ("random(5)", Balance("random", draws=5)),
        ("uri", Balance("uri")),
        ("uri depth 2 whole len 9", Balance("uri", length=9, depth=2, whole=True)),
        ("uri path-only", Balance("uri", path_only=True)),
        ("url_param id", Balance("url_param", "id")),
        ("url_param id check_post 64", Balance("url_param", "id", check_post=True)),
        ("hdr(Host) use_domain_only", Balance("hdr", "Host", domain_only=True)),
        ("rdp-cookie", Balance("rdp-cookie", "mstshash")),
        ("rdp-cookie(user)", Balance("rdp-cookie", "user")),
    ],
)
def test_reads_what_belongs_to_an_algorithm(line: str, found: Balance) -> None:
    assert listen_of("mode http", f"balance {line}").balance == found


def test_reads_the_expression_that_is_hashed_when_the_mode_is_known() -> None:
    found = listen_of("balance hash req.hdr(x-user),lower", "mode http").balance
    assert found.expression.text == "req.hdr(x-user),lower"


def test_reads_source_and_reuse() -> None:
    found = listen_of("source 127.0.0.3 interface lo", "http-reuse aggressive")
    assert found.source == Address(socket.AF_INET, "127.0.0.3")
    assert (found.source_interface, found.http_reuse) == ("lo", "aggressive")


def test_reads_keep_alive_probes_in_seconds() -> None:
    found = listen_of("clitcpka-cnt 3", "clitcpka-idle 2m", "clitcpka-intvl 10", "srvtcpka-cnt 4", "srvtcpka-idle 1s")
    assert (found.client_probes.count, found.client_probes.idle, found.client_probes.interval) == (3, 120, 10)
    assert (found.server_probes.count, found.server_probes.idle) == (4, 1)


@pytest.mark.parametrize(
    "name",
    [
        "abortonclose", "allbackups", "clitcpka", "dontlog-normal", "dontlognull", "log-separate-errors", "logasap",
        "nolinger", "socket-stats", "splice-auto", "splice-request", "splice-response", "srvtcpka", "tcp-smart-accept",
        "tcp-smart-connect",
    ],
)  # fmt: skip
def test_switches_an_option_on_and_off(name: str) -> None:
    assert listen_of(f"option {name}").options == {name}
    assert listen_of(f"option {name}", f"no option {name}").options == set()
    assert listen_of(f"option {name}", f"default option {name}").options == set()


def test_tcpka_means_both_sides_as_far_as_there_are() -> None:
    assert listen_of("option tcpka").options == {"clitcpka", "srvtcpka"}
    assert good("backend b\n option tcpka\n").proxies[0].options == {"srvtcpka"}


def test_the_last_connection_mode_counts_and_no_undoes_its_own() -> None:
    assert listen_of("option httpclose", "option http-server-close").http_connection_mode == "server-close"
    assert listen_of("option httpclose", "no option http-server-close").http_connection_mode == "close"
    assert listen_of("option httpclose", "no option httpclose").http_connection_mode == "keep-alive"


def test_reads_redispatch() -> None:
    assert listen_of().redispatch == 0
    assert listen_of("option redispatch").redispatch == -1
    assert listen_of("option redispatch 3").redispatch == 3
    assert listen_of("option redispatch", "no option redispatch").redispatch == 0


def test_reads_forwardfor() -> None:
    assert listen_of("option forwardfor").forwardfor == ForwardFor()
    found = listen_of("option forwardfor except 127.0.0.9/8 header X-Client if-none").forwardfor
    assert found == ForwardFor("X-Client", "127.0.0.0/8", True)


def test_reads_the_kind_of_log_lines() -> None:
    to = "log 127.0.0.1 local0"
    assert listen_of(to, "option httplog").log_kind == "httplog"
    assert listen_of(to, "option httplog clf").log_kind == "clf"
    assert listen_of(to, "option tcplog", "log-tag x").log_tag == "x"


def test_log_global_takes_the_targets_known_so_far() -> None:
    text = (
        "global\n log 10.0.0.1 local0\ndefaults\n timeout client 1s\n log global\nfrontend f\n bind :80\n"
        "global\n log 10.0.0.2 local0\nfrontend g\n bind :81\n log global\nfrontend h\n bind :82\n no log\n"
    )
    f, g, h = good(text).proxies
    assert [target.address.host for target in f.log_targets] == ["10.0.0.1"]
    assert [target.address.host for target in g.log_targets] == ["10.0.0.1", "10.0.0.1", "10.0.0.2"]
    assert h.log_targets == []


def test_braces_in_a_users_words_are_only_text() -> None:
    _settings, diagnostics = load([("l{}b.cfg", "frontend f{\n bind {}:80\n bind 127.0.0.1:80 {0}\n")], env={})
    texts = [m.text for m in diagnostics.messages if m.severity is Severity.ALERT]
    assert texts[1] == "config : parsing [l{}b.cfg:2] : 'bind' : invalid address: '{}' in '{}:80'"
    assert (
        texts[2] == "config : parsing [l{}b.cfg:3] : 'bind 127.0.0.1:80' in section 'frontend': unknown keyword '{0}'."
    )


def test_the_caret_stands_under_the_word_at_fault() -> None:
    text = "frontend f\n    bind :80 maxconn -1\n    timeout clent 5s\nbackend b\n    server s 127.0.0.1:1 weight 999\n"
    _settings, diagnostics = load([("lb.cfg", text)], env={})
    found = [m.source[m.column - 1 :].split()[0] for m in diagnostics.messages]
    assert found == ["-1", "clent", "999"]
