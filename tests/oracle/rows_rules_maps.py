"""Maps and converters as configurations use them; headers that the server gets show what came out."""

from __future__ import annotations

from tests.oracle.configs import SERVER, Topic, served
from tests.oracle.row import Row, get, ok, request
from tests.peers.script import Do

_HOST = "Host: lb.example"


def _shows(*expressions: str) -> tuple[str, ...]:
    """Rules that show the value of each expression in a header x-<n>, and a server."""
    quoted = (each.replace("$", "\\$") for each in expressions)  # no variable of the environment
    return (*(f'http-request set-header x-{n} "%[{each}]"' for n, each in enumerate(quoted, 1)), SERVER)


TOPIC = Topic(
    "maps",
    "http",
    {
        "str": _shows(
            "req.hdr(k),map(str.map)",
            "req.hdr(k),map(str.map,none)",
            "req.hdr(k),map_str(str.map)",
            "req.hdr(k),lower,map_str(str.map,-)",
        ),
        "beg": _shows(
            "path,map_beg(beg.map,none)",
            "path,map_beg(beg.map)",
            "path,map_dir(dir.map,none)",
            "path,map_sub(sub.map,none)",
            "path,map_end(end.map,none)",
        ),
        "dom": _shows("req.hdr(host),map_dom(dom.map,none)", "req.hdr(host),host_only,map_end(end.map,none)"),
        "reg": _shows(
            "req.hdr(k),map_reg(reg.map,none)", "req.hdr(k),map_regm(regm.map,none)", "path,map_reg(reg.map)"
        ),
        "ip": _shows(
            "req.hdr(k),map_ip(ip.map,none)",
            "src,map_ip(ip.map,none)",
            "req.hdr(k),map_ip_int(ipint.map,0),add(1)",
            "req.hdr(k),map_ip_ip(ipip.map)",
        ),
        "int": _shows(
            "req.hdr(k),map_int(int.map,none)",
            "req.hdr(k),length,map_int_int(intint.map,-1),mul(2)",
            "req.hdr(k),map_str_int(strint.map,7),add(1)",
            "req.hdr(k),map_str_ip(strip.map)",
        ),
        "quirks": _shows("req.hdr(k),map(quirks.map,none)", "req.hdr(k),map_beg(quirks.map,none)"),
        "decides": served("""
            http-request deny if { req.hdr(k),map(str.map) -m str zero }
            http-request set-path %[path,map_reg(paths.map)] if { path,map_reg(paths.map) -m found }
            http-request redirect location %[path,map(redirects.map)] code 301 if { path,map(redirects.map) -m found }
            http-request set-var(txn.level) path,map_beg_int(levels.map,0)
            http-request return status 200 content-type text/plain lf-string "level %[var(txn.level)]" if { var(txn.level) -m int gt 5 }
        """),  # noqa: E501
        "changing": served("""
            http-request set-map(changing.map) %[req.hdr(k)] %[req.hdr(v)] if { path /set }
            http-request del-map(changing.map) %[req.hdr(k)] if { path /del }
            http-request add-acl(changing.acl) %[req.hdr(k)] if { path /add }
            http-request del-acl(changing.acl) %[req.hdr(k)] if { path /remove }
            http-request set-header x-map "%[req.hdr(k),map_str(changing.map,none)]"
            http-request set-header x-acl yes if { req.hdr(k) -f changing.acl }
        """),
        "learning": served("""
            http-request set-header x-before "%[str(last),map_str(learning.map,none)]"
            http-response set-map(learning.map) last %[res.hdr(x-learn)] if { res.hdr(x-learn) -m found }
        """),
        "strings": _shows(
            "req.hdr(k),lower",
            "req.hdr(k),upper",
            "req.hdr(k),length",
            "req.hdr(k),bytes(1,3)",
            "req.hdr(k),bytes(2)",
            "req.hdr(k),field(2,:)",
            "req.hdr(k),field(-1,:)",
            "req.hdr(k),word(2,: )",
            "req.hdr(k),word(1,:,2)",
            "req.hdr(k),regsub(a+,<A>)",
            "req.hdr(k),regsub(a+,<A>,g)",
            "req.hdr(k),regsub(A+,x,ig)",
            "req.hdr(k),rtrim(:)",
            "req.hdr(k),ltrim(a)",
            "req.hdr(k),concat([,txn.none,])",
            "req.hdr(k),strcmp(txn.none)",
        ),
        "chains": served("""
            http-request set-var(txn.v) str(vv)
            http-request set-var(txn.n) int(12)
            http-request set-header x-1 "%[path,field(2,/),lower,concat(-,txn.v,!),upper]"
            http-request set-header x-2 "%[req.hdr(k),length,add(txn.n),mul(2),iif(yes,no)]"
            http-request set-header x-3 "%[req.hdr(k),strcmp(txn.v)] %[var(txn.n),sub(13)] %[var(txn.n),mod(5)] %[var(txn.n),and(6)] %[var(txn.n),or(1)] %[var(txn.n),xor(15)] %[var(txn.n),cpl] %[var(txn.n),neg]"
            http-request set-header x-4 "%[bool(true),iif(a,b)] %[bool(false),iif(a,b)] %[bool(true),not] %[var(txn.n),odd] %[var(txn.n),even] %[int(0),bool]"
            http-request set-header x-5 "%[req.hdr(k),add_item(\\",\\",txn.v,x)]"
            http-request set-header x-6 "%[req.hdr(k),sub(1)]|%[req.hdr(k),length,sub(1)]"
        """),  # noqa: E501
        "codes": _shows(
            "req.hdr(k),base64",
            "req.hdr(k),base64,b64dec",
            "req.hdr(k),ub64enc",
            "req.hdr(k),hex",
            "req.hdr(k),hex,lower",
            "req.hdr(k),url_dec",
            "req.hdr(k),url_enc",
            "req.hdr(k),json",
            "req.hdr(k),json(utf8s)",
            "req.hdr(k),htonl,hex",
            "req.hdr(k),hex2i",
            "query,url_dec(1)",
            "req.hdr(k),bytes(0,2),be2dec(:,1)",
            "req.hdr(k),be2hex(-,2)",
        ),
        "hashes": _shows(
            "req.hdr(k),crc32",
            "req.hdr(k),crc32(1)",
            "req.hdr(k),crc32c",
            "req.hdr(k),djb2",
            "req.hdr(k),djb2(1)",
            "req.hdr(k),sdbm",
            "req.hdr(k),wt6",
            "req.hdr(k),xxh32",
            "req.hdr(k),xxh32(5)",
            "req.hdr(k),xxh64",
            "req.hdr(k),xxh3",
            "req.hdr(k),sha1,hex",
            "req.hdr(k),sha2,hex",
            "req.hdr(k),sha2(512),hex",
            "req.hdr(k),digest(md5),hex",
            "req.hdr(k),hmac(sha256,a2V5),hex",
            "req.hdr(k),secure_memcmp(txn.none)",
        ),
        "times": _shows(
            "int(1000000000),http_date",
            "int(1000000000),http_date(60)",
            'int(1000000000),utime(\\"%Y-%m-%d %H:%M:%S\\")',
            "int(1500),http_date(0,ms)",
            "int(0),ltime(%Y)",
        ),
        "json": _shows(
            "req.fhdr(k),json_query('$.a')",
            "req.fhdr(k),json_query('$.b.c')",
            "req.fhdr(k),json_query('$.n','int'),add(1)",
            "req.fhdr(k),json_query('$.none')",
        ),
        "urls": _shows(
            "path",
            "pathq",
            "query",
            "url",
            "base",
            "url_param(a)",
            "urlp(a,;)",
            "url_param(b),url_dec",
            "req.hdr(host),field(1,:)",
            "base32",
            "url32",
            "req.cook(c)",
            "req.cook_cnt(c)",
            "req.cook()",
            "req.hdr_names",
            "req.hdr_names(|)",
            "req.hdrs,length",
            "method",
            "req.ver",
            "urlp()",
            "path,length",
        ),
        "addresses": _shows(
            "req.hdr(k),ipmask(16)",
            "req.hdr(k),ipmask(16,32)",
            "src,ipmask(255.0.0.0)",
            "req.hdr_ip(k)",
            "req.hdr_ip(k,2)",
            "req.hdr_ip(k,-1)",
            "dst",
            "src_is_local",
            "dst_is_local",
            "fe_name",
            "be_name",
            "be_id,mul(0)",
            "nbsrv(addresses)",
            "srv_is_up(addresses/s1)",
            "so_name",
        ),
        "headers": _shows(
            "req.hdr(k)",
            "req.hdr(k,1)",
            "req.hdr(k,2)",
            "req.hdr(k,-2)",
            "req.hdr(k,9)",
            "req.fhdr(k)",
            "req.fhdr(k,1)",
            "req.fhdr(k,-1)",
            "req.hdr_cnt(k)",
            "req.fhdr_cnt(k)",
            "req.hdr_val(k)",
            "req.hdr_cnt()",
            "req.body_size",
        ),
        "agents": _shows("req.hdr(k),language(fr;en-gb;en,de)", "req.hdr(k),language(ja)"),
        "tokens": _shows(
            "req.hdr(k),jwt_header_query('$.alg')",
            "req.hdr(k),jwt_payload_query('$.sub')",
            'req.hdr(k),jwt_verify(\\"HS256\\",\\"secret\\")',
            "http_auth_bearer(k)",
        ),
    },
    logs=True,
    files={
        "str.map": "# keys and values\nzero zero\none  uno dos  \n\nOne ONE\ntwo\tzwei\nlast end\n",
        "beg.map": "/a A\n/a/b AB\n/a/b/c/ ABC\n",
        "dir.map": "a dirA\nb/c dirBC\n",
        "sub.map": "needle found\n",
        "end.map": ".gif image\n.example tld\n",
        "dom.map": "example.com EXAMPLE\nlb LB\n",
        "reg.map": "^/img/ images\n^[0-9]+$ number\n(foo|bar) foobar\n",
        "regm.map": "^([a-z]+)-([0-9]+)$ \\2/\\1\n^x(.*) [\\1]\n",
        "ip.map": "10.0.0.0/8 ten\n10.1.0.0/16 ten-one\n10.1.2.3 exact\n127.0.0.0/8 home\n2001:db8::/32 doc\n",
        "ipint.map": "10.0.0.0/8 10\n192.0.2.1 192\n",
        "ipip.map": "10.0.0.0/8 192.0.2.77\n",
        "int.map": "1 one\n5:7 five to seven\n100: many\n:-1 below\n",
        "intint.map": "1 10\n3:4 34\n",
        "strint.map": "a 1\nb 16\nc -5\n",
        "strip.map": "a 192.0.2.1\nb 2001:db8::1\n",
        "quirks.map": "same first\nsame second\n  indented value\nempty\n#hash comment\nkey value # no comment\n",
        "paths.map": "^/old/ /new\n^/x$ /y\n",
        "redirects.map": "/r1 /target1\n/r2 http://other.example/\n",
        "levels.map": "/low 1\n/high 9\n",
        "changing.map": "kept yes\n",
        "changing.acl": "kept\n",
        "learning.map": "other x\n",
    },
)

_KEYS: dict[str, tuple[str, ...]] = {
    "str": ("one", "One", "two", "last", "none", "zero"),
    "reg": ("123", "xfoo", "abc-42", "xyz", "none"),
    "ip": ("10.1.2.3", "10.1.9.9", "10.9.9.9", "192.0.2.1", "2001:db8::5", "::ffff:10.1.2.3", "no address"),
    "int": ("1", "6", "1000", "-3", "abc", "a", "b", "c", "zz"),
    "quirks": ("same", "indented", "empty", "#hash", "key", "same as", "abc"),
    "strings": ("aaa:bBb:caac:", "a: b  c:d", "x", ":::"),
    "chains": ("vv", "abcdefgh", "17"),
    "codes": ("hello", "a+b%20c%zz&", 'q"\\/\tz', "ff", "h\xe4", "aGk=", "12ab"),
    "hashes": ("hello", "a", "The quick brown fox jumps over the lazy dog"),
    "times": ("x",),
    "json": ('{"a":"x","b":{"c":"y"},"n":41}', '{"a":1.5,"b":{"c":true},"n":"41"}', "no json", '{"a":"q\\"q"}'),
    "addresses": ("192.168.77.3", "2001:db8:1:2::3", "1.2.3.4, 5.6.7.8", "none", "1.2.3.4:99"),
    "headers": ("a, b, c", "17", '"q, r", s', ",,"),
    "agents": ("de;q=0.9, en;q=0.8, fr;q=0.7", "en-GB,en;q=0.5", "es", "*"),
    "tokens": (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSJ9.bad",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.rSJzVkJH-KnHZ3uThGnEkzcC_XYwqhh3yjQhE5XM8Vc",
        "no token",
    ),
}
_PATHS: dict[str, tuple[str, ...]] = {
    "beg": ("/a", "/a/b", "/a/b/c/d", "/x/a/y", "/q/b/c", "/my-needle.gif", "/"),
    "reg": ("/img/x", "/foo"),
    "decides": ("/old/x", "/x", "/r1", "/r2", "/low/x", "/high/x", "/plain"),
    "urls": (
        "/p/a?a=1&b=%41%20x&a=2",
        "/p;a=5?b",
        "/",
        "/?",
        "/?a",
        "/?=x&a=",
        "/p?b=a+b#",
    ),
    "chains": ("/Seg/ment",),
    "codes": ("/?a+b%2bc",),
}

ROWS = (
    *(Row(f"{via}: {key!r}", get("/", f"K: {key}"), (ok(),), via=via) for via, keys in _KEYS.items() for key in keys),
    *(
        Row(f"{via} {path}", get(path), () if path in ("/r1", "/r2", "/high/x") else (ok(),), via=via)
        for via, paths in _PATHS.items()
        for path in paths
    ),
    *(
        Row(f"{via}: no header", get("/"), (ok(),), via=via)
        for via in ("str", "ip", "int", "strings", "codes", "hashes", "json", "addresses", "headers")
    ),
    *(
        Row(f"dom: {host}", get("/", host=host), (ok(),), via="dom")
        for host in ("www.example.com", "example.com:80", "lb.test", "xexample.com", "a.example")
    ),
    Row("decides: a value forbids", get("/", "K: zero"), via="decides"),
    Row("decides: another value does not", get("/", "K: one"), (ok(),), via="decides"),
    Row("urls: absolute", request("GET http://lb.example/p?a=1 HTTP/1.1", _HOST), (ok(),), via="urls"),
    Row("urls: no Host", request("GET /p?a=1 HTTP/1.0"), (ok(),), via="urls"),
    Row("urls: cookies", get("/", "Cookie: c=1; d=2; c=3", "Cookie: c=4", "X-More: 1"), (ok(),), via="urls"),
    Row("headers: in several lines", get("/", "K: a", "Other: x", "K: b, c", "k: d"), (ok(),), via="headers"),
    Row(
        "headers: with a body",
        request("POST / HTTP/1.1", _HOST, "Content-Length: 5", body=b"hello"),
        (ok(),),
        via="headers",
    ),
    Row("tokens: bearer", get("/", "Authorization: Bearer abc.def", "K: Bearer xyz"), (ok(),), via="tokens"),
    Row(
        "changing: set, seen, deleted",
        (
            *(
                step
                for path, *headers in (
                    ("/", "K: a"),
                    ("/set", "K: a", "V: new"),
                    ("/set", "K: a", "V: newer"),
                    ("/", "K: a"),
                    ("/del", "K: a"),
                    ("/", "K: a"),
                )
                for step in (get(path, *headers), Do.REPLY)
            ),
            Do.SHUT,
            Do.END,
        ),
        tuple(ok(b"%d" % n) for n in range(6)),
        via="changing",
    ),
    Row(
        "changing: added, seen, removed",
        (
            *(step for path in ("/", "/add", "/", "/remove", "/") for step in (get(path, "K: b"), Do.REPLY)),
            Do.SHUT,
            Do.END,
        ),
        tuple(ok(b"%d" % n) for n in range(5)),
        via="changing",
    ),
    Row(
        "learning: what a response has taught",
        (get("/"), Do.REPLY, get("/"), Do.REPLY, Do.SHUT, Do.END),
        (ok(b"1", "X-Learn: lesson"), ok(b"2", "X-Learn: none")),
        via="learning",
    ),
)
