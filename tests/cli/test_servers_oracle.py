"""Commands about servers get HAProxy's answers, and leave servers as HAProxy's are left."""

import pytest

from tests.cli.servers import CHECKED, both, told
from tests.peers.haproxy import newer_haproxy

STATE, CONN = "show servers state", "show servers conn"
SCRIPTS = {
    "lists": [
        STATE, "show servers state be", "show servers state empty", "show servers state nope", CONN,
        "show servers conn st", "show servers conn nope", "show backend",
    ],
    "names": [
        "set server", "set server be", "set server nope/s1 state drain", "set server be/nope state drain",
        "set server be/s1", "set server be/s1 foo", "get weight", "get weight be", "get weight nope/s1",
        "get weight be/nope", "set weight", "set weight nope/s1 1", "set maxconn server",
        "set maxconn server be/nope 1", "enable server", "disable server be",
        "disable server nope/s1", "enable server be/nope", "disable health",
        "disable agent be", "shutdown sessions server", "shutdown sessions server be/nope", STATE,
    ],
    "port maps": [
        "set server be/s1 addr 127.0.0.1 port +4", "set server be/s5 addr 127.0.0.1 port +4", STATE, CONN,
        "set server be/s5 addr 127.0.0.1 port +4", "set server be/s5 addr 127.0.0.2 port 77",
        "set server be/s5 addr [127.0.0.2] port -4", STATE, "set server be/s5 addr 127.0.0.2 port +x",
        "set server be/s8 addr 127.0.0.1 port 4", STATE, "set server be/s1 check-port 9",
        "set server be/s6 check-port 9", "set server be/s6 addr 127.0.0.1 port +0", STATE,
    ],
    "checks elsewhere": [
        "set server be/s5 check-addr 127.0.0.2", STATE, "set server be/s5 check-port 1", STATE,
        "set server be/s6 check-port 2", STATE, "set server be/s6 agent-port 3", STATE,
    ],
    "numbers": [
        "get weight #30/#17", "get weight #30/s4", "get weight be/#17", "get weight #31/s1", "get weight be/#99",
        "get weight #/s1", "get weight be/#", "get weight #x/s1", "get weight be/", "get weight /s1", "get weight /",
        "set server #30/#17 weight 3", "set server be/#1 state drain", "disable server #40/x1", STATE,
        "add server be/",
    ],
    "state": [
        "set server be/s1 state", "set server be/s1 state foo", "set server be/s1 state drain", STATE,
        "set server be/s1 state maint", STATE, "set server be/s1 state drain", STATE, "set server be/s2 state ready",
        STATE, "disable server be/s1", STATE, "disable server be/s1", "enable server be/s1", STATE,
        "enable server be/s3", "disable server be/s3", STATE, "enable server be/s3", STATE,
    ],
    "health": [
        "set server be/s1 health", "set server be/s1 health foo", "set server be/s1 health down", STATE,
        "set server be/s1 health stopping", STATE, "set server be/s1 health up", STATE,
        "set server be/s1 agent up", "enable health be/s1", "disable health be/s1", "enable agent be/s1",
        "disable agent be/s1", "set server be/s1 agent-addr 127.0.0.2", "set server be/s1 agent-send foo",
        "set server be/s1 check-addr 127.0.0.2", "set server be/s1 check-port 1", STATE,
    ],
    "weight": [
        "set server be/s1 weight", "set server be/s1 weight foo", "set server be/s1 weight 300",
        "set server be/s1 weight 50%", "get weight be/s1", "set server be/s1 weight 150%", "get weight be/s1",
        "set server be/s1 weight -5", "set server be/s1 weight -5%", "set server be/s1 weight 10x",
        "set server be/s1 weight 9999%", "get weight be/s1", "set weight be/s1", "set weight be/s1 20", STATE,
        "set weight be/s1 100%", "set weight st/x1 2", "set weight st/x1 50%", "set weight st/x1 0", STATE,
        "set weight st/x1 100%", "get weight st/x1", STATE,
    ],
    "maxconn": [
        "set maxconn server be/s1", "set maxconn server be/s1 foo", "set maxconn server be/s1 100x",
        "set maxconn server be/s1 100", "set maxconn server be/s1 0",
    ],
    "address": [
        "set server be/s1 addr", "set server be/s1 addr foo", "set server be/s1 addr 127.0.0.1",
        "set server be/s1 addr 127.0.0.2", STATE, "set server be/s1 addr 127.0.0.2 port 99",
        "set server be/s1 addr 127.0.0.2 port +5", "set server be/s1 addr 127.0.0.3 port foo", STATE,
        "set server be/s1 addr 127.0.0.2 port", "set server be/s1 addr 127.0.0.1 port 1001", STATE,
        "set server be/s1 addr ::1 port 1001", STATE, "set server be/s1 addr 0:0::1", "set server be/s1 addr /tmp/foo",
        "set server be/s1 addr 127.0.0.1 foo 1001", "set server be/s4 addr 127.0.0.4", STATE,
        "set server be/s1 fqdn", "set server be/s1 fqdn foo.example", "set server be/s1 ssl", "set server be/s1 ssl on",
    ],
    "come and go": [
        "add server", "add server be", "add server be/n1", "add server nope/n1 127.0.0.1:1",
        "add server be/s1 127.0.0.1:1", "add server be/n1 127.0.0.1:1 weigh", "add server be/n!2 127.0.0.1:1",
        "add server st/n1 127.0.0.1:1", "add server be/n1 127.0.0.1:1 id 77 weight 5 maxconn 3", STATE,
        "add server be/n1 127.0.0.1:1", "set server be/n1 state ready", STATE, "del server be/n1",
        "set server be/n1 state maint", "del server be/n1", "del server be/n1", STATE, "del server", "del server be",
        "del server nope/s1", "del server be/s1", "del server be/s2", STATE,
        "set severity-output number;add server be/n2 x qqqqqqqqq;add server be/n2 127.0.0.1:1;del server be/n2",
    ],
    "check addresses": [
        "set server be/s6 agent-addr", "set server be/s6 agent-addr foo!", "set server be/s6 agent-addr 127.0.0.5",
        STATE,
        "set server be/s6 agent-addr 127.0.0.6 port 77", STATE, "set server be/s6 agent-addr 127.0.0.8 port", STATE,
        "set server be/s6 agent-addr 127.0.0.7 port x", "set server be/s6 agent-addr 127.0.0.7 port 99999", STATE,
        "set server be/s6 agent-port", "set server be/s6 agent-port 88", "set server be/s6 agent-port x",
        "set server be/s6 agent-port 0", "set server be/s6 agent-port 70000", STATE,
        "set server be/s6 agent-send",
        "set server be/s6 agent-send xyz", "set server be/s6 check-addr", "set server be/s6 check-addr 127.0.0.7",
        STATE, "set server be/s6 check-addr 127.0.0.7 port 55", "set server be/s6 check-addr 127.0.0.8 port x", STATE,
        "set server be/s6 check-addr foo", "set server be/s6 check-addr localhost port 3",
        "set server be/s6 check-port",
        "set server be/s6 check-port 66", "set server be/s6 check-port x", "set server be/s6 check-port 0", STATE,
        "set server be/s6 check-port 99999", "set server be/s6 agent-addr ::1 port 4", STATE,
        "set server be/s6 agent-addr 127.0.0.6 foo 7", STATE, "set server be/s1 check-port",
        "set severity-output number;set server be/s6 agent-addr bad!;set server be/s6 check-port x",
        "set severity-output number;set server be/s1 check-port 1;set server be/s1 check-port",
        "set severity-output number;set server be/s1 agent-send",
    ],
    "tracking and checks of added ones": [
        "add server be/n1 127.0.0.1:9 check inter 60s agent-check agent-port 9 agent-inter 60s", STATE,
        "enable health be/n1", STATE,
        "enable agent be/n1", STATE, "disable agent be/n1", "disable health be/n1", STATE, "enable server be/n1", STATE,
        "add server be/n2 127.0.0.1:9 track s6", "add server be/n3 127.0.0.1:9 track n1",
        "add server be/n4 127.0.0.1:9 track nope", "add server be/n4 127.0.0.1:9 track nope/s1",
        "add server be/n4 127.0.0.1:9 track s1", STATE, "del server be/s6", "disable server be/n1",
        "disable agent be/n1", "del server be/n1",
        "del server be/n2", "del server be/s7", "del server be/s6",
        *(f"add server be/n9 127.0.0.1:9 {word}" for word in (
            "redir /x", "init-addr none", "non-stick", "max-reuse 4", "tcp-ut 4", "stick", "no-check",
        )),
    ],
    "frontend": [
        "disable frontend", "disable frontend nope", "disable frontend be", "disable frontend fe",
        "disable frontend fe", "enable frontend fe", "enable frontend fe", "enable frontend nope",
        "set severity-output number;disable frontend fe;disable frontend fe;enable frontend fe;enable frontend fe",
        "set maxconn frontend", "set maxconn frontend be 10", "set maxconn frontend fe", "set maxconn frontend fe 10",
        "set maxconn frontend fe -2", "shutdown frontend", "shutdown frontend nope", "shutdown frontend other",
        "set severity-output number;shutdown frontend other;disable frontend other;enable frontend other",
        "set severity-output string;shutdown frontend",
    ],
    "limits": [
        "set maxconn global", "set maxconn global 50", "set maxconn global 0", "set maxconn global 99999999",
        "set rate-limit", "set rate-limit foo", "set rate-limit connections", "set rate-limit connections foo 5",
        "set rate-limit connections global", "set rate-limit connections global 5",
        "set rate-limit connections global -5", "set rate-limit sessions global 7", "set rate-limit sessions global 0",
    ],
    "rest": [
        "show env NOPE", "show env HOME", "show env HOME NOPE", "clear counters", "clear counters all",
        "clear counters foo", "user;show env;clear counters;clear counters all",
        "operator;clear counters;clear counters all;set maxconn global 5;disable frontend fe",
    ],
    "severity": [
        "set severity-output number;set server be/s1 addr 127.0.0.2;set server be/s1 addr x;get weight be/s1",
        "set severity-output number;set server be/s1 agent-addr x;set server be/s1 agent-send x;set server",
        "set severity-output number;show servers state nope;set server be/s1 state drain;set server be/s1 weight x",
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_script(name: str) -> None:
    program = newer_haproxy()
    if program is None:
        pytest.skip("haproxy 2.8 is not installed")
    script = SCRIPTS[name]
    with both(program, CHECKED) as (haproxy, lb):
        theirs, mine = told(script, haproxy, lb)
    for line, answer, wanted in zip(script, mine, theirs, strict=True):
        assert (line, answer.splitlines()) == (line, wanted.splitlines())
