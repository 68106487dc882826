"""ACLs and the backends they choose: each case shows by its log line which backend and which server took it."""

from __future__ import annotations

from tests.oracle.configs import Topic, lines, served
from tests.oracle.row import Row, get, ok, request
from tests.peers.script import Do

_BACKENDS = "".join(f'\nbackend {name}\n    server s1 "127.0.0.1:${{BE}}"\n' for name in ("red", "green", "blue"))
_HOST = "Host: lb.example"

TOPIC = Topic(
    "acls",
    "http",
    {
        "paths": served("""
            acl begins path_beg /static/ /img/
            acl ends path_end .gif .png
            acl inside path_sub secret
            use_backend red if begins
            use_backend green if ends
            use_backend blue if inside
        """),
        "directories": served("""
            acl exact path /only /exactly
            acl dir path_dir admin/users
            acl dom path_dom gif
            acl short path_len le 3
            use_backend red if exact
            use_backend green if dir
            use_backend blue if dom or short
        """),
        "regexes": served("""
            acl version path_reg ^/v[0-9]+/
            acl anycase path_reg -i ^/(alpha|beta)$
            acl spaced hdr_reg(user-agent) "Mozilla/[0-9.]+ \\(X11"
            use_backend red if version
            use_backend green if anycase
            use_backend blue if spaced
        """),
        "hosts": served("""
            acl exact hdr(host) -i www.example.com
            acl dom hdr_dom(host) -i example.net
            acl begins hdr_beg(host) -i static. img.
            acl ends hdr_end(host) -i .org
            use_backend red if exact
            use_backend green if dom
            use_backend blue if begins or ends
        """),
        "headers": served("""
            acl twice hdr_cnt(x-a) 2
            acl many hdr_cnt(x-a) gt 2
            acl big hdr_val(x-size) ge 1000
            acl last hdr(x-list,-1) end
            acl second hdr(x-list,2) mid
            acl sub hdr_sub(x-list) needle
            acl dir hdr_dir(x-path) bin
            acl long hdr_len(x-long) 10:20
            use_backend red if twice or big
            use_backend green if many or last
            use_backend blue if second or sub or dir or long
        """),
        "presence": served("""
            acl has req.hdr(x-there) -m found
            acl full req.fhdr(x-full) "a, b"
            acl counted req.fhdr_cnt(x-full) 2
            acl name req.hdr_names -m sub x-odd
            use_backend red if has
            use_backend green if full or counted
            use_backend blue if name
        """),
        "params": served("""
            acl lang url_param(lang) -i de en
            acl page urlp_val(page) 2:5
            acl reg urlp_reg(q) ^[a-z]+$
            acl semi url_param(sid,;) -m beg s
            use_backend red if lang
            use_backend green if page
            use_backend blue if reg or semi
        """),
        "cookies": served("""
            acl user cook(user) alice bob
            acl theme cook_beg(theme) dark
            acl several cook_cnt(id) ge 2
            acl visits req.cook_val(visits) gt 9
            use_backend red if user
            use_backend green if theme visits
            use_backend blue if several
        """),
        "methods": served("""
            acl write method PUT PATCH
            acl own method -i purge
            use_backend red if write
            use_backend green if METH_POST
            use_backend blue if own || METH_DELETE || METH_OPTIONS
        """),
        "predefined": served("""
            use_backend red if HTTP_1.0
            use_backend green if HTTP_CONTENT
            use_backend blue if HTTP_URL_STAR or HTTP_URL_ABS
            use_backend red if !HTTP_URL_SLASH
            use_backend green if METH_HEAD LOCALHOST HTTP HTTP_1.1
            use_backend blue if FALSE
        """),
        "addresses": served("""
            acl us src 127.0.0.0/8
            acl net hdr_ip(x-ip) 192.0.2.0/24 198.51.100.7
            acl six hdr_ip(x-ip) 2001:db8::/32 ::1
            acl not_here hdr_ip(x-ip) 10.0.0.0/255.0.0.0
            acl port dst_port 1:65535
            use_backend red if us net
            use_backend green if six port
            use_backend blue if not_here
        """),
        "ranges": served("""
            acl low hdr_val(n) lt 10
            acl any hdr_val(n) ge 10 le 9 # of several patterns one is enough
            acl exact hdr_val(n) 42 eq 43
            acl range hdr_val(n) 100:199 500:
            acl below hdr_val(m) :-5
            use_backend red if exact
            use_backend green if range or below
            use_backend blue if low any
        """),
        "floats": served("""
            acl old req.ver -m str 1.0
            acl version hdr(x-version) -m dom 1.2
            acl num hdr(x-num),add(5) -m int 10
            use_backend red if old
            use_backend green if version
            use_backend blue if num
        """),
        "flags": served("""
            acl file path -i -f paths.lst
            acl both path_beg -f starts.lst /inline
            acl dash hdr(x-dash) -- -f
            acl anyway hdr(x-case) -i -m beg ABC
            use_backend red if file
            use_backend green if both
            use_backend blue if dash or anyway
        """),
        "lists": served("""
            acl nets hdr_ip(x-ip) -f nets.lst
            acl res hdr(x-re) -m reg -i -f regexes.lst
            acl nums hdr_val(x-n) -f numbers.lst
            acl ends hdr(x-end) -m end -f ends.lst
            use_backend red if nets
            use_backend green if res
            use_backend blue if nums or ends
        """),
        "methodsof": served("""
            acl str path,lower -m str /lower
            acl len path -m len 7
            acl bin req.hdr(x-bin),hex2i -m int 255
            acl bytes path,bytes(1,3) -m bin 616263
            acl bool req.hdr(x-bool) -m bool 1
            acl ip req.hdr(x-ip) -m ip 192.0.2.1
            acl masked req.hdr(x-masked),ipmask(24) 198.51.100.0
            use_backend red if str or bin
            use_backend green if len or bytes
            use_backend blue if bool or ip or masked
        """),
        "logic": served("""
            acl a hdr(a) 1
            acl b hdr(b) 1
            acl c hdr(c) 1
            use_backend red if a b !c
            use_backend green if a !b or c !a
            use_backend blue unless a or b or c
        """),
        "anonymous": served("""
            acl a hdr(a) 1
            use_backend red if { path_beg /x } !{ hdr(b) 1 }
            use_backend green if a { path /y } || ! { method GET }
            use_backend blue unless { path_beg -i /X /y / }
        """),
        "together": lines("""
            acl one path /first
            acl one hdr(x-one) yes
            acl one method LINK
            use_backend red if one
            use_backend green if !one { path_len gt 8 }
            default_backend blue
        """),
        "absent": lines("""
            acl empty hdr(x-a) -m len 0
            acl unlike hdr(x-a) -m str no
            use_backend red if empty
            use_backend green if !unlike { hdr(x-a) -m found }
            default_backend blue
        """),
        "figures": served("""
            acl up nbsrv(red) 1
            acl none nbsrv(nobody) 0
            acl few be_conn(red) lt 100
            acl slots connslots(green) gt 0
            acl here srv_is_up(blue/s1)
            use_backend red if { path /up } up few
            use_backend green if { path /none } none
            use_backend blue if { path /here } here !{ queue gt 0 }
        """),
        "dynamic": lines("""
            use_backend %[req.hdr(x-be)] if { req.hdr(x-be) -m found }
            use_backend %[path,field(2,/),lower]
            default_backend blue
        """),
        "mapped": lines("""
            use_backend %[req.hdr(host),lower,map(hosts.map,green)] unless { path /other }
            default_backend blue
        """),
        "servers": lines("""
            use-server two if { hdr(x-srv) 2 }
            use-server away if { hdr(x-srv) 3 }
            use-server three unless { hdr(x-srv) 3 }
            server one "127.0.0.1:${BE}"
            server two "127.0.0.1:${BE}" weight 0
            server three "127.0.0.1:${BE}" weight 0
            server away "127.0.0.1:${BE}" disabled
        """),
        "dynamicserver": lines("""
            use-server %[req.hdr(x-srv)] if { req.hdr(x-srv) -m found }
            server one "127.0.0.1:${BE}"
            server two "127.0.0.1:${BE}" weight 0
        """),
        "variables": served("""
            http-request set-var(txn.kind) path,field(2,/)
            http-request set-var(txn.n) int(7),add(3)
            acl kind var(txn.kind) -m str a b
            acl n var(txn.n) -m int 10
            acl never var(txn.never) -m found
            use_backend red if kind
            use_backend green if n !never { path /c/ }
            use_backend blue if never
        """),
    },
    logs=True,
    sections=f'{_BACKENDS}\nbackend nobody\n    server s1 "127.0.0.1:${{BE}}" disabled\n',
    files={
        "paths.lst": "# a comment\n\n/Listed\n  /indented\n/listed/too\n",
        "starts.lst": "/one/\n/two/\n",
        "nets.lst": "192.0.2.0/25\n2001:db8::/48\n203.0.113.9\n",
        "regexes.lst": "^ab+c$\nx{3}\n",
        "numbers.lst": "7\n10:12\n",
        "ends.lst": ".txt\n.pdf\n",
        "hosts.map": "a.example red\nb.example blue\n",
    },
)

_GETS: dict[str, dict[str, tuple[str, ...]]] = {
    "paths": {
        "path_beg": ("/static/a",),
        "path_beg, the first rule wins": ("/img/secret.gif",),
        "path_end": ("/a.png",),
        "path_end sees no query": ("/a?b.png",),
        "path_sub": ("/my-secret-place",),
        "none": ("/static",),
    },
    "directories": {
        "path is exact": ("/only",),
        "path with a query": ("/only?x=1",),
        "path_dir": ("/x/admin/users/y",),
        "path_dir needs whole directories": ("/x/admin/users2",),
        "path_dom": ("/name.gif",),
        "path_dom needs whole words": ("/namegif",),
        "path_len": ("/ab",),
    },
    "regexes": {
        "path_reg": ("/v12/x",),
        "path_reg with another case": ("/V12/x",),
        "path_reg -i": ("/ALPHA",),
        "quoted, with blanks": ("/", "User-Agent: Mozilla/5.0 (X11; Linux)"),
    },
    "hosts": {"none": ("/",)},
    "headers": {
        "hdr_cnt": ("/", "X-A: 1", "X-A: 2"),
        "hdr_cnt counts list members": ("/", "X-A: 1, 2, 3"),
        "hdr_val": ("/", "X-Size: 1000"),
        "hdr_val of no number": ("/", "X-Size: huge"),
        "last occurrence": ("/", "X-List: start, mid", "X-List: end"),
        "second occurrence": ("/", "X-List: start,  mid , else"),
        "hdr_sub": ("/", "X-List: a needle here"),
        "hdr_dir": ("/", "X-Path: /usr/bin/env"),
        "hdr_len": ("/", "X-Long: 0123456789"),
        "hdr_len too short": ("/", "X-Long: 012345678"),
    },
    "presence": {
        "found": ("/", "X-There: no matter"),
        "found though empty": ("/", "X-There:"),
        "fhdr does not split": ("/", "X-Full: a, b"),
        "fhdr_cnt": ("/", "X-Full: 1", "X-Full: 2, 3"),
        "hdr_names": ("/", "X-Odd-Name: 1"),
        "none": ("/",),
    },
    "params": {
        "url_param": ("/?a=b&lang=EN",),
        "url_param, the first counts": ("/?lang=fr&lang=de",),
        "urlp_val": ("/?page=5",),
        "urlp_val out of range": ("/?page=6",),
        "urlp_reg": ("/?q=abc",),
        "url_param of another delimiter": ("/path;sid=s123",),
        "a longer name is another": ("/?xlang=de&langx=de",),
    },
    "cookies": {
        "cook": ("/", "Cookie: a=b; user=bob; c=d"),
        "cook in a second header": ("/", "Cookie: a=b", "Cookie: user=alice"),
        "cook_beg and cook_val": ("/", "Cookie: theme=darkest;visits=10"),
        "cook_val too low": ("/", "Cookie: theme=darkest; visits=9"),
        "cook_cnt": ("/", "Cookie: id=1; id=2"),
        "a longer name is another": ("/", "Cookie: xuser=bob; user2=bob"),
        "quoted value": ("/", 'Cookie: user="bob"'),
    },
    "addresses": {
        "src and a network": ("/", "X-IP: 192.0.2.200"),
        "src and an address": ("/", "X-IP: 198.51.100.7"),
        "IPv6 network": ("/", "X-IP: 2001:db8:1::5"),
        "IPv6 loopback": ("/", "X-IP: ::1"),
        "netmask": ("/", "X-IP: 10.200.1.1"),
        "with a port": ("/", "X-IP: 192.0.2.200:8080"),
        "no address": ("/", "X-IP: 192.0.2"),
    },
    "ranges": {
        "exact": ("/", "N: 42"),
        "exact with eq": ("/", "N: 43"),
        "inside": ("/", "N: 150"),
        "open end": ("/", "N: 100000"),
        "open begin": ("/", "M: -6"),
        "below": ("/", "N: 5"),
        "neither": ("/", "N: 15"),
    },
    "floats": {
        "versions are strings": ("/", "X-Version: 1.2"),
        "-m dom": ("/", "X-Version: a.1.2.b"),
        "-m int of a converted text": ("/", "X-Num: 5"),
        "-m int of no number": ("/", "X-Num: five"),
    },
    "flags": {
        "-i -f": ("/LISTED",),
        "-f, indented line": ("/indented",),
        "-f and a pattern beside it": ("/inline/x",),
        "-f with path_beg": ("/two/x",),
        "--": ("/", "X-Dash: -f"),
        "-i -m beg": ("/", "X-Case: abcdef"),
    },
    "lists": {
        "networks": ("/", "X-IP: 192.0.2.127"),
        "networks, outside": ("/", "X-IP: 192.0.2.128"),
        "networks, IPv6": ("/", "X-IP: 2001:db8::ffff"),
        "regexes": ("/", "X-Re: ABBC"),
        "regexes, second line": ("/", "X-Re: axXxa"),
        "numbers": ("/", "X-N: 11"),
        "suffixes": ("/", "X-End: file.pdf"),
    },
    "methodsof": {
        "str after lower": ("/LOWER",),
        "len": ("/seven7",),
        "int after hex2i": ("/", "X-Bin: ff"),
        "bin": ("/abc",),
        "bool": ("/", "X-Bool: 1"),
        "bool, false": ("/", "X-Bool: 0"),
        "ip": ("/", "X-IP: 192.0.2.1"),
        "ip, the second value": ("/", "X-IP: unknown, 192.0.2.1"),
        "a converter, the second value": ("/", "X-Masked: 203.0.113.7, 198.51.100.7"),
        "a converter that fails, before the second value": ("/", "X-Masked: unknown, 198.51.100.7"),
    },
    "logic": {
        "and": ("/", "A: 1", "B: 1"),
        "and with a negation that fails": ("/", "A: 1", "B: 1", "C: 1"),
        "or, left": ("/", "A: 1"),
        "or, right": ("/", "C: 1"),
        "unless": ("/",),
        "unless that fails": ("/", "B: 1"),
    },
    "anonymous": {
        "one": ("/x",),
        "a negated one": ("/x", "B: 1"),
        "beside a named one": ("/y", "A: 1"),
        "several patterns after a flag": ("/z",),
    },
    "together": {
        "first of the same name": ("/first",),
        "second of the same name": ("/", "X-One: yes"),
        "negation asks all of the same name": ("/longer-path",),
        "none": ("/",),
    },
    "absent": {
        "no header matches nothing": ("/",),
        "empty header": ("/", "X-A:"),
        "another value": ("/", "X-A: yes"),
        "the value": ("/", "X-A: no"),
    },
    "figures": {
        "nbsrv and be_conn": ("/up",),
        "nbsrv of a backend without": ("/none",),
        "srv_is_up and queue": ("/here",),
    },
    "dynamic": {
        "a name from a header": ("/", "X-BE: red"),
        "a name that is none": ("/", "X-BE: purple"),
        "a name from the path": ("/GREEN/x",),
        "an empty name": ("/",),
    },
    "mapped": {},
    "servers": {
        "if": ("/", "X-Srv: 2"),
        "unless": ("/",),
        "a server that is down is passed over": ("/", "X-Srv: 3"),
    },
    "dynamicserver": {
        "a name from a header": ("/", "X-Srv: two"),
        "a name that is none": ("/", "X-Srv: four"),
        "no name": ("/",),
    },
    "variables": {
        "str": ("/b/",),
        "int": ("/c/",),
        "never set": ("/d/",),
    },
}

_REQUESTS: dict[str, dict[str, bytes]] = {
    "regexes": {"another method than GET": request("POST /v1/ HTTP/1.1", _HOST, "Content-Length: 1", body=b"x")},
    "hosts": {
        host: get("/", host=host)
        for host in (
            "WWW.example.com",
            "www.example.com:80",
            "a.example.net",
            "a.example.net:8080",
            "aexample.net",
            "IMG.example",
            "static.example.net",
            "lb.ORG",
        )
    },
    "methods": {
        method: request(f"{method} / HTTP/1.1", _HOST)
        for method in ("GET", "PUT", "put", "PURGE", "purge", "POST", "DELETE", "OPTIONS")
    },
    "predefined": {
        "HTTP_1.0": request("GET / HTTP/1.0"),
        "HTTP_CONTENT": request("POST / HTTP/1.1", _HOST, "Content-Length: 3", body=b"abc"),
        "HTTP_CONTENT, nothing in it": request("POST / HTTP/1.1", _HOST, "Content-Length: 0"),
        "HTTP_URL_STAR": request("OPTIONS * HTTP/1.1", _HOST),
        "HTTP_URL_ABS": request("GET http://lb.example/ HTTP/1.1", _HOST),
        "none": get("/"),
    },
    "floats": {"req.ver": request("GET / HTTP/1.0")},
    "anonymous": {"negated method": request("PUT /q HTTP/1.1", _HOST, "Content-Length: 0")},
    "together": {"third of the same name": request("LINK / HTTP/1.1", _HOST)},
    "mapped": {
        "in the map": get("/", host="a.EXAMPLE"),
        "second line of the map": get("/", host="b.example"),
        "the default": get("/", host="c.example"),
        "not asked": get("/other", host="a.example"),
    },
}

ROWS = (
    *(
        Row(f"{via}: {name}", get(*wanted), (ok(),), via=via)
        for via, cases in _GETS.items()
        for name, wanted in cases.items()
    ),
    *(
        Row(f"{via}: {name}", wanted, (ok(),), via=via)
        for via, cases in _REQUESTS.items()
        for name, wanted in cases.items()
    ),
    Row(
        "predefined: METH_HEAD",
        (request("HEAD / HTTP/1.1", _HOST), Do.HEAD_REPLY, Do.SHUT, Do.END),
        (ok(b""),),
        via="predefined",
    ),
    Row(
        "paths: each request of a connection chooses anew",
        (get("/static/1"), Do.REPLY, get("/2.gif"), Do.REPLY, get("/3"), Do.REPLY, Do.SHUT, Do.END),
        (ok(b"1"), ok(b"2"), ok(b"3")),
        via="paths",
    ),
    Row(
        "dynamic: pipelined requests",
        get("/red/") + get("/green/"),
        (ok(b"1"), ok(b"2")),
        via="dynamic",
    ),
)
