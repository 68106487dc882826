"""Log lines: formats, aliases, captures, levels, unique ids, and how conversations end."""

from __future__ import annotations

from tests.oracle.configs import REFUSED, SERVER, Topic, served
from tests.oracle.row import Differ, Row, at_head, chunks, get, ok, request, response, then
from tests.peers.script import Do

_HOST = "Host: lb.example"

TOPIC = Topic(
    "logs",
    "http",
    {
        "captures": served("""
            capture request header Host len 8
            capture request header X-Absent len 8
            capture request header User-Agent len 40
            capture response header Server len 6
            capture response header X-Nothing len 6
            capture cookie SID= len 9
        """),
        "rewrittencookies": served("""
            capture cookie SID= len 9
            http-request del-header cookie if { path /removed }
            http-request set-header cookie SID=other if { path_beg /replaced }
            http-request deny if { path_end /denied }
            http-request return status 204 if { path_end /answered }
        """),
        "clf": served("""
            option httplog clf
            capture request header Host len 20
            capture response header Server len 20
            capture cookie SID len 20
        """),
        "slots": served("""
            declare capture request len 12
            declare capture request len 6
            declare capture response len 6
            http-request capture req.hdr(x-a) id 0
            http-request capture path id 1
            http-request capture req.hdr(x-b) len 5
            http-response capture res.hdr(x-c) id 0
            http-request set-header x-captured "%[capture.req.hdr(0)]|%[capture.req.hdr(1),upper]|%[capture.req.hdr(2)]"
            http-response set-header x-captured "%[capture.req.hdr(0)]|%[capture.res.hdr(0)]"
            log-format "%hr|%hs|%hrl|%hsl|%[capture.req.hdr(0)]|%[capture.res.hdr(0)]"
        """),
        "aliases": served("""
            capture request header X-A len 9
            http-request set-header x-after 1
            log-format "B=%B U=%U CC=%CC CS=%CS H=%H=H ST=%ST ac=%ac fc=%fc bc=%bc sc=%sc rc=%rc sq=%sq bq=%bq ts=%ts tsc=%tsc"
        """),  # noqa: E501
        "names": served("""
            log-format "f=%f ft=%ft b=%b s=%s ci=%ci si=%si fi=%fi Pc=%cp Ps=%sp Pf=%fp N=%pid"
        """),
        "requests": served("""
            log-format "HM=%HM HP=%HP HPO=%HPO HQ=%HQ HU=%HU HV=%HV r=%r Qr=%{+Q}r ST=%ST"
        """),
        "times": served("""
            log-format "t=%t tr=%tr trl=%trl trg=%trg %T T_ts=%Ts Tms=%ms Ta=%Ta Tc=%Tc Td=%Td Th=%Th Ti=%Ti Tq=%Tq TR=%TR Tr=%Tr Tt=%Tt Tu=%Tu Tw=%Tw %Tl"
        """),  # noqa: E501
        "flags": served("""
            capture request header X-A len 40
            log-format "%{+Q}r %{+Q}HU %{+Q,+E}r %{+E}hr %{+X}ST B=%{+X}B %{+Q}[src] %{+X}[int(255)] %{+E}[capture.req.hdr(0)] %{+Q}[capture.req.hdr(0)] %{+Q,+X}ST"
        """),  # noqa: E501
        "allquoted": served("""
            capture request header X-A len 20
            log-format "%{+Q}o %f %b %s %ST %r %[src] %hr %{-Q}ci %ci 100%% \\"in quotes\\" %{-Q}o%b %{+X}o%ST"
        """),
        "expressions": served("""
            http-request set-var(txn.a) path,lower,length
            http-request set-var(txn.b) req.hdr(x-b)
            log-format "%[src] %[dst] %[fe_name] %[be_name] %[srv_name] %[var(txn.a)] %[var(txn.b)] %[var(txn.none)] %[int(3),add(4)] %[str(a b),upper] %[capture.req.method] %[capture.req.uri,bytes(0,4)] %[capture.req.ver] %[capture.res.ver] %[fe_id,mul(0)]"
        """),  # noqa: E501
        "internals": served("""
            log-format "%[http_first_req] %[srv_id] %[be_id,mul(0)] %[nbproc] %[env(NO_SUCH_VARIABLE)]|%[capture.req.hdr(0)]"
        """),  # noqa: E501
        "structured": served("""
            no log
            log "127.0.0.1:${LOG}" format rfc5424 local2
            log-format "%ci %ST"
            log-format-sd "[http@1 status=\\"%ST\\" path=\\"%{+E}HP\\" h=\\"%{+E}[capture.req.hdr(0)]\\"]"
            capture request header X-A len 20
        """),
        "short": served("""
            no log
            log "127.0.0.1:${LOG}" len 90 format short local1
            log-format "%ST %HM %HU"
        """),
        "priority": served("""
            no log
            log "127.0.0.1:${LOG}" format priority local1 info notice
        """),
        "raw": served("""
            no log
            log "127.0.0.1:${LOG}" format raw daemon
            log-tag other
        """),
        "tagged": ("log-tag another", SERVER),
        "twice": ('log "127.0.0.1:${LOG}" local3 debug', SERVER),
        "levels": served("""
            http-request set-log-level silent if { path /silent }
            http-request set-log-level err if { path_beg /err }
            http-request set-log-level debug if { path /debug }
            http-response set-log-level alert if { status 500 }
            http-response set-log-level warning if { res.hdr(x-warn) -m found }
        """),
        "limited": served("""
            no log
            log "127.0.0.1:${LOG}" local0 warning
            http-request set-log-level err if { path_beg /err }
            http-request set-log-level debug if { path /debug }
        """),
        "asap": ("option logasap", SERVER),
        "abnormal": ("option dontlog-normal", "retries 1", SERVER),
        "separate": ("option log-separate-errors", "http-request deny if { path /deny }", SERVER),
        "null": ("option dontlognull", SERVER),
        "unique": served("""
            unique-id-format "%[req.hdr(x-a)]-%{+X}o-%ci:%cp-%fi-%[int(171)]-%[path]"
            unique-id-header X-Unique-ID
            http-request set-header x-too "%[unique-id]" if { path /fetch }
            log-format "ID=%ID %{+Q}ID %ST"
        """),
        "uniquelog": served("""
            unique-id-format "%{+X}[int(48879)]:%HM"
            http-request deny if { path /deny }
            log-format "ID=%ID ST=%ST"
        """),
        "noid": ('log-format "ID=%ID ST=%ST"', SERVER),
        "tcpform": ("option tcplog", SERVER),
        "refused": ("retries 0", REFUSED),
        "retried": ("retries 1", "timeout connect 20ms", REFUSED),
        "redispatched": (
            "retries 1",
            "option redispatch 1",
            "timeout connect 20ms",
            REFUSED + " cookie x",
            SERVER,
            "cookie SRV",
        ),
        "noserver": (),
        "slowclient": ("timeout http-request 80ms", "timeout client 80ms", SERVER),
        "slowserver": ("timeout server 80ms", SERVER),
        "aborting": ("option abortonclose", SERVER),
        "unfound": ("use_backend %[path,field(2,/)]", "default_backend unnamed"),
    },
    logs=True,
    sections="""
        backend unnamed
            server some-name "127.0.0.1:${BE}"

        backend named
            server s1 "127.0.0.1:${BE}"
    """,
)

_CAPTURED = get("/", "User-Agent: curl/7.88.1 {a|b}", "Cookie: a=b; SID=0123456789; c=d", host="lb.example:8080")
_ODD = ('X-A: quote" back\\ ]bracket', "X-A: h\xe4h", "X-A: tab\tx", "X-A: {a|b}", "X-A:")
_CLF = rb'(?<="" ")\d+(?=")|(?<="s1" )-?\d+ -?\d+ -?\d+ -?\d+ -?\d+|\d+ \d+ (?="clf")'
_TCP_SIZE = rb"(?<=/T )\d+(?= --)"
_RFC5424 = rb"(?<=>1 )\S+ \S+ lb \d+"
_ABORTED = Differ("2.6", "nothing was sent that could have a status or a size")
_ID = rb"7F000001:[0-9A-F]{4}-7F000001"
_POST = request("POST / HTTP/1.1", _HOST, "Content-Length: 5", body=b"hello")


ROWS = (
    # captures
    Row(
        "captures: all that is there",
        _CAPTURED,
        (ok(b"x", "Server: nginx/1.2", "Set-Cookie: SID=new; path=/"),),
        via="captures",
    ),
    Row("captures: nothing is there", request("GET / HTTP/1.0"), (ok(),), via="captures"),
    Row(
        "captures: the last of several",
        get("/", "User-Agent: a", "User-Agent: b"),
        (ok(b"x", "Server: c", "Server: d"),),
        via="captures",
    ),
    Row("captures: none of the response", _CAPTURED, (at_head(Do.CLOSE),), via="captures"),
    Row(
        "captures: cookie of a longer name",
        get("/", "Cookie: SIDE=1; SID2=3"),
        (ok(b"x", "Set-Cookie: SIDE=4"),),
        via="captures",
    ),
    Row(
        "captures: each request has its own",
        (get("/", "User-Agent: a"), Do.REPLY, get("/"), Do.REPLY, Do.SHUT, Do.END),
        (ok(b"1", "Server: one"), ok(b"2")),
        via="captures",
    ),
    *(
        Row(f"captures: cookie {path}", get(path, "Cookie: SID=client"), (ok(),), via="rewrittencookies")
        for path in ("/removed", "/replaced")
    ),
    *(
        Row(f"captures: cookie {path}", get(path, "Cookie: SID=client"), via="rewrittencookies")
        for path in ("/denied", "/replaced/denied", "/answered")
    ),
    Row("clf", _CAPTURED, (ok(b"x", "Server: nginx/1.2"),), via="clf", varies=_CLF),
    Row("clf: nothing captured", get("/"), (ok(b"x"),), via="clf", varies=_CLF),
    Row("slots", get("/some/path", "X-A: one, two", "X-B: bbbbbbbb"), (ok(b"x", "X-C: ccccccccc"),), via="slots"),
    Row("slots: empty ones", get("/"), (ok(b"x"),), via="slots"),
    # formats
    Row("aliases", get("/a?b"), (ok(),), via="aliases"),
    Row("aliases: with bodies", _POST, (ok(b"x" * 100),), via="aliases"),
    Row(
        "aliases: chunked bodies",
        request("POST / HTTP/1.1", _HOST, "Transfer-Encoding: chunked", body=chunks(b"hello", b"you")),
        (response("200 OK", "Transfer-Encoding: chunked", body=chunks(b"abc", b"defg")),),
        via="aliases",
    ),
    Row(
        "aliases: HEAD",
        (request("HEAD / HTTP/1.1", _HOST), Do.HEAD_REPLY, Do.SHUT, Do.END),
        (response("200 OK", "Content-Length: 9"),),
        via="aliases",
    ),
    Row("aliases: 304", get("/"), (response("304 Not Modified", 'ETag: "1"'),), via="aliases"),
    Row("aliases: bad request", request("GET / HTTP/1.1", "bad header: x"), via="aliases"),
    Row("aliases: bad response", get("/"), (at_head(b"oops\r\n\r\n", Do.CLOSE),), via="aliases"),
    Row("names", get("/"), (ok(),), via="names"),
    Row("names: no server", get("/"), (at_head(Do.CLOSE),), via="names"),
    *(
        Row(f"requests: {target}", request(f"GET {target} HTTP/1.1", _HOST), (ok(),), via="requests")
        for target in ("/path/x?a=b&c", "/?", "/no", "http://lb.example/abs?q", '/"q"/\\b', "/%41%zz", "/k\xe4se")
    ),
    Row("requests: OPTIONS *", request("OPTIONS * HTTP/1.1", _HOST), (ok(),), via="requests"),
    Row("requests: HTTP/1.0", request("POST /x HTTP/1.0", "Content-Length: 0"), (ok(),), via="requests"),
    Row("requests: bad", b"GET /\x01 HTTP/1.1\r\n\r\n", via="requests"),
    Row("times", get("/"), (ok(),), via="times", varies=rb"(?<=[ =])D(?= )"),
    *(Row(f"flags: {header[5:]!r}", get("/x?y", header), (ok(),), via="flags") for header in _ODD),
    Row("flags: quotes in the target", get('/"]\\'), (ok(),), via="flags"),
    *(Row(f"allquoted: {header[5:]!r}", get("/x?y", header), (ok(),), via="allquoted") for header in _ODD[:2]),
    Row("allquoted: nothing captured", get("/"), (ok(),), via="allquoted"),
    Row("allquoted: bad request", b"GET\r\n\r\n", via="allquoted"),
    Row("expressions", get("/Some/Path", "X-B: b b"), (ok(),), via="expressions"),
    Row("expressions: without a response", get("/Some/Path"), (at_head(Do.CLOSE),), via="expressions"),
    Row("expressions: bad request", b"GET\r\n\r\n", via="expressions"),
    Row("internals", get("/x?a=1", "X-B: b b"), (ok(b"x", "Server: s"),), via="internals"),
    *(
        Row(f"structured: {header[5:]!r}", get("/x", header), (ok(),), via="structured", varies=_RFC5424)
        for header in _ODD
    ),
    Row(
        "short: cut at its length",
        get("/" + "a" * 100),
        (ok(),),
        via="short",
        differ=Differ("2.8", "the end of the line counts too"),
    ),
    Row("priority", get("/"), (ok(),), via="priority"),
    Row("raw", get("/"), (ok(),), via="raw"),
    Row("tagged", get("/"), (ok(),), via="tagged"),
    Row("twice", get("/"), (ok(),), via="twice", lines=2),
    Row("tcpform", get("/"), (ok(),), via="tcpform", varies=_TCP_SIZE),
    # levels and what is left out
    *(
        Row(f"levels {path}", get(path), (ok(),), via="levels", lines=int(path != "/silent"))
        for path in ("/", "/err", "/debug", "/silent")
    ),
    Row("levels: by the status", get("/err"), (response("500 Oops", "Content-Length: 0"),), via="levels"),
    Row("levels: by a header", get("/"), (ok(b"x", "X-Warn: 1"),), via="levels"),
    *(
        Row(f"limited {path}", get(path), (ok(),), via="limited", lines=int(path == "/err"))
        for path in ("/", "/err", "/debug")
    ),
    Row("asap", get("/"), (ok(b"x" * 50),), via="asap"),
    Row(
        "asap: with a body", _POST, (response("200 OK", "Transfer-Encoding: chunked", body=chunks(b"abc")),), via="asap"
    ),
    Row("abnormal: normal", get("/"), (ok(),), via="abnormal", lines=0),
    Row("abnormal: 500 is not", get("/"), (response("500 Oops", "Content-Length: 0"),), via="abnormal"),
    Row("abnormal: 502", get("/"), (at_head(Do.CLOSE),), via="abnormal"),
    Row("separate: 200", get("/"), (ok(),), via="separate"),
    Row("separate: 404", get("/"), (response("404 No", "Content-Length: 0"),), via="separate"),
    Row("separate: 500", get("/"), (response("500 Oops", "Content-Length: 0"),), via="separate"),
    Row("separate: 502", get("/"), (at_head(Do.CLOSE),), via="separate"),
    Row("separate: denied", get("/deny"), via="separate"),
    Row("null: no byte", (Do.SHUT, Do.END), via="null", lines=0),
    Row("null: one byte", (b"G", Do.SHUT, Do.END), via="null"),
    Row("separate: no byte", (Do.SHUT, Do.END), via="separate"),
    # unique ids
    Row("unique: given to the server", get("/x", "X-A: a"), (ok(),), via="unique", varies=_ID),
    Row("unique: fetched", get("/fetch", "X-Unique-ID: forged"), (ok(),), via="unique", varies=_ID),
    Row(
        "unique: each request its own",
        (get("/1"), Do.REPLY, get("/2"), Do.REPLY, Do.SHUT, Do.END),
        (ok(b"1"), ok(b"2")),
        via="unique",
        varies=_ID,
    ),
    Row("uniquelog", get("/"), (ok(),), via="uniquelog"),
    Row("uniquelog: denied", get("/deny"), via="uniquelog"),
    Row("uniquelog: bad request", b"GET\r\n\r\n", via="uniquelog"),
    Row("noid", get("/"), (ok(),), via="noid"),
    # how conversations end
    Row("ends: the server refuses", get("/"), via="refused"),
    Row("ends: refused twice", get("/"), via="retried"),
    Row("ends: redispatched", get("/", "Cookie: SRV=x"), (ok(),), via="redispatched"),
    Row("ends: no server", get("/"), via="noserver"),
    Row("ends: half a request", (b"GET / HT", Do.END), via="slowclient"),
    Row("ends: nothing sent", (Do.END,), via="slowclient"),
    Row("ends: the client leaves in its head", (b"GET / HTTP/1.1\r\n", Do.SHUT, Do.END), via="null"),
    Row("ends: the server is silent", get("/"), (at_head(Do.END),), via="slowserver"),
    Row(
        "ends: the server is silent in its body",
        (get("/"), Do.END),
        (then(response("200 OK", "Content-Length: 9"), b"abc", Do.END),),
        via="slowserver",
    ),
    Row(
        "ends: the server closes in its body",
        (get("/"), Do.END),
        (then(response("200 OK", "Content-Length: 9"), b"abc", Do.CLOSE),),
        via="null",
    ),
    Row("ends: the server resets", get("/"), (at_head(Do.RESET),), via="null"),
    Row("ends: the client aborts", (get("/"), Do.CUT, Do.RESET), (then(Do.END),), via="aborting", differ=_ABORTED),
    Row(
        "ends: bad chunk in the request",
        (
            request("POST / HTTP/1.1", _HOST, "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n"),
            Do.CUT,
            b"zz\r\n",
            Do.END,
        ),
        via="null",
    ),
    Row("ends: the chosen backend", get("/named/x"), (ok(),), via="unfound"),
    Row("ends: no such backend", get("/nobody/x"), (ok(),), via="unfound"),
    Row(
        "ends: two requests and a bad one",
        (get("/1") + get("/2") + b"BAD\r\n\r\n", Do.END),
        (ok(b"1"), ok(b"2")),
        via="null",
        lines=3,
    ),
)
