"""The ready-made checks: what a backend says, and what its server does."""

from tests.check.peers import REFUSED, End, Peer
from tests.check.row import Row

ROWS = (
    Row("redis-ref", ("option redis-check",), REFUSED),
    Row("redis-silent", ("option redis-check",), Peer()),
    Row("redis-closer", ("option redis-check",), Peer(answers=(b"",), end=End.CLOSE)),
    Row("redis-good", ("option redis-check",), Peer(answers=(b"+PONG\r\n",))),
    Row("redis-junk", ("option redis-check",), Peer(answers=(b"junk\r\n",))),
    Row("redis-junkc", ("option redis-check",), Peer(answers=(b"junkjunkjunkjunk\r\n",), end=End.CLOSE)),
    Row("smtp-ref", ("option smtpchk",), REFUSED),
    Row("smtp-silent", ("option smtpchk",), Peer()),
    Row("smtp-closer", ("option smtpchk",), Peer(answers=(b"",), end=End.CLOSE)),
    Row("smtp-good", ("option smtpchk",), Peer(answers=(b"x",))),
    Row("smtp-junk", ("option smtpchk",), Peer(answers=(b"junk\r\n",))),
    Row("smtp-junkc", ("option smtpchk",), Peer(answers=(b"junkjunkjunkjunk\r\n",), end=End.CLOSE)),
    Row("smtpv-ref", ("option smtpchk EHLO my.host",), REFUSED),
    Row("smtpv-silent", ("option smtpchk EHLO my.host",), Peer()),
    Row("smtpv-closer", ("option smtpchk EHLO my.host",), Peer(answers=(b"",), end=End.CLOSE)),
    Row("smtpv-good", ("option smtpchk EHLO my.host",), Peer(answers=(b"x",))),
    Row("smtpv-junk", ("option smtpchk EHLO my.host",), Peer(answers=(b"junk\r\n",))),
    Row("smtpv-junkc", ("option smtpchk EHLO my.host",), Peer(answers=(b"junkjunkjunkjunk\r\n",), end=End.CLOSE)),
    Row("ldap-ref", ("option ldap-check",), REFUSED),
    Row("ldap-silent", ("option ldap-check",), Peer()),
    Row("ldap-closer", ("option ldap-check",), Peer(answers=(b"",), end=End.CLOSE)),
    Row("ldap-good", ("option ldap-check",), Peer(answers=(b"0\x0c\x02\x01\x01a\n\x01\x00\x04\x00\x04\x00",))),
    Row("ldap-junk", ("option ldap-check",), Peer(answers=(b"junk\r\n",))),
    Row("ldap-junkc", ("option ldap-check",), Peer(answers=(b"junkjunkjunkjunk\r\n",), end=End.CLOSE)),
    Row("mysql-ref", ("option mysql-check",), REFUSED),
    Row("mysql-silent", ("option mysql-check",), Peer()),
    Row("mysql-closer", ("option mysql-check",), Peer(answers=(b"",), end=End.CLOSE)),
    Row("mysql-good", ("option mysql-check",), Peer(answers=(b"x",))),
    Row("mysql-junk", ("option mysql-check",), Peer(answers=(b"junk\r\n",))),
    Row("mysql-junkc", ("option mysql-check",), Peer(answers=(b"junkjunkjunkjunk\r\n",), end=End.CLOSE)),
    Row("mysqlu-ref", ("option mysql-check user bob",), REFUSED),
    Row("mysqlu-silent", ("option mysql-check user bob",), Peer()),
    Row("mysqlu-closer", ("option mysql-check user bob",), Peer(answers=(b"",), end=End.CLOSE)),
    Row("mysqlu-good", ("option mysql-check user bob",), Peer(answers=(b"x",))),
    Row("mysqlu-junk", ("option mysql-check user bob",), Peer(answers=(b"junk\r\n",))),
    Row("mysqlu-junkc", ("option mysql-check user bob",), Peer(answers=(b"junkjunkjunkjunk\r\n",), end=End.CLOSE)),
    Row("mysqlu2-ref", ("option mysql-check user bob pre-41",), REFUSED),
    Row("mysqlu2-silent", ("option mysql-check user bob pre-41",), Peer()),
    Row("mysqlu2-closer", ("option mysql-check user bob pre-41",), Peer(answers=(b"",), end=End.CLOSE)),
    Row("mysqlu2-good", ("option mysql-check user bob pre-41",), Peer(answers=(b"x",))),
    Row("mysqlu2-junk", ("option mysql-check user bob pre-41",), Peer(answers=(b"junk\r\n",))),
    Row(
        "mysqlu2-junkc",
        ("option mysql-check user bob pre-41",),
        Peer(answers=(b"junkjunkjunkjunk\r\n",), end=End.CLOSE),
    ),
    Row("pgsql-ref", ("option pgsql-check user bob",), REFUSED),
    Row("pgsql-silent", ("option pgsql-check user bob",), Peer()),
    Row("pgsql-closer", ("option pgsql-check user bob",), Peer(answers=(b"",), end=End.CLOSE)),
    Row("pgsql-good", ("option pgsql-check user bob",), Peer(answers=(b"R\x00\x00\x00\x08\x00\x00\x00\x00",))),
    Row("pgsql-junk", ("option pgsql-check user bob",), Peer(answers=(b"junk\r\n",))),
    Row("pgsql-junkc", ("option pgsql-check user bob",), Peer(answers=(b"junkjunkjunkjunk\r\n",), end=End.CLOSE)),
    Row("ssl-ref", ("option ssl-hello-chk",), REFUSED),
    Row("ssl-silent", ("option ssl-hello-chk",), Peer()),
    Row("ssl-closer", ("option ssl-hello-chk",), Peer(answers=(b"",), end=End.CLOSE)),
    Row("ssl-good", ("option ssl-hello-chk",), Peer(answers=(b"\x16\x03\x00",))),
    Row("ssl-junk", ("option ssl-hello-chk",), Peer(answers=(b"junk\r\n",))),
    Row("ssl-junkc", ("option ssl-hello-chk",), Peer(answers=(b"junkjunkjunkjunk\r\n",), end=End.CLOSE)),
    Row("spop-ref", ("option spop-check",), REFUSED),
    Row("spop-silent", ("option spop-check",), Peer()),
    Row("spop-closer", ("option spop-check",), Peer(answers=(b"",), end=End.CLOSE)),
    Row("spop-good", ("option spop-check",), Peer(answers=(b"x",))),
    Row("spop-junk", ("option spop-check",), Peer(answers=(b"junk\r\n",))),
    Row("spop-junkc", ("option spop-check",), Peer(answers=(b"junkjunkjunkjunk\r\n",), end=End.CLOSE)),
    Row("redis-err", ("option redis-check",), Peer(answers=(b"-ERR bad\r\n",))),
    Row("smtp-full", ("option smtpchk",), Peer(b"220 hi ESMTP\r\n", answers=(b"250 hello\r\n", b"221 bye\r\n"))),
    Row(
        "smtp-multi",
        ("option smtpchk EHLO foo",),
        Peer(b"220 hi ESMTP\r\n", answers=(b"250-hello\r\n250-SIZE\r\n250 OK\r\n", b"221 bye\r\n")),
    ),
    Row("smtp-500", ("option smtpchk",), Peer(b"220 hi\r\n", answers=(b"502 no way\r\n", b"221 bye\r\n"))),
    Row(
        "pgsql-err",
        ("option pgsql-check user bob",),
        Peer(answers=(b"E\x00\x00\x00 SFATAL\x00C28000\x00Mno bob\x00\x00",)),
    ),
    Row("smtp1", ("option smtpchk",), Peer(b"220 hi ESMTP\r\n", answers=(b"502 no\r\n",), end=End.CLOSE)),
    Row("smtp2", ("option smtpchk",), Peer(b"220 hi ESMTP\r\n", answers=(b"250 ok\r\n", b"500 bye\r\n"))),
    Row(
        "smtp3", ("option smtpchk",), Peer(b"220 hi ESMTP\r\n", answers=(b"250 ok\r\n", b"500 bye\r\n"), end=End.CLOSE)
    ),
    Row("smtp5", ("option smtpchk",), Peer(b"220 hi ESMTP\r\n", answers=(b"250 ok\r\n", b""), end=End.CLOSE)),
    Row("smtp6", ("option smtpchk",), Peer(b"220\r\n")),
    Row("smtp7", ("option smtpchk",), Peer(b"220\r\n", answers=(b"250\r\n", b"221\r\n"))),
    Row("smtp8", ("option smtpchk",), Peer(b"554 nope\r\n")),
    Row("smtp9", ("option smtpchk",), Peer(b"220-a\r\n")),
    Row("smtp10", ("option smtpchk",), Peer(b"220-a\r\n220 b\r\n", answers=(b"250 ok\r\n", b"221 x\r\n"))),
    Row("smtp11", ("option smtpchk",), Peer(b"22")),
    Row("smtp13", ("option smtpchk",), Peer(b"220 hi ESMTP\r\n", answers=(b"350 x\r\n",))),
    Row("smtp14", ("option smtpchk",), Peer(b"220 hi ESMTP\r\n", answers=(b"250-a\r\n",), end=End.CLOSE)),
    Row("smtp15", ("option smtpchk",), Peer(b"220 hi ESMTP\r\n", answers=(b"",), end=End.CLOSE)),
    Row("smtp17", ("option smtpchk",), Peer(b"220 hi ESMTP\r\n", answers=(b"450 try\r\n",))),
    Row("smtp18", ("option smtpchk",), Peer(b"220 hi ESMTP\r\n", answers=(b"600 try\r\n",), end=End.CLOSE)),
    Row(
        "my1",
        ("option mysql-check",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        ),
    ),
    Row(
        "my2",
        ("option mysql-check",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00",),
        ),
    ),
    Row(
        "my3",
        ("option mysql-check",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"#\x00\x00\x02\xff\x15\x04#28000Access denied for user bob",),
        ),
    ),
    Row("my4", ("option mysql-check",), Peer(b"\x16\x00\x00\x00\xffi\x04Host 'x' is blocked")),
    Row(
        "my5",
        ("option mysql-check",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"",),
            end=End.CLOSE,
        ),
    ),
    Row("my6", ("option mysql-check",), Peer(b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x001234")),
    Row(
        "my8",
        ("option mysql-check",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00", b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00"),
        ),
    ),
    Row(
        "my9",
        ("option mysql-check",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x1a\x00\x00\x02\xfemysql_native_password\x00abc",),
        ),
    ),
    Row(
        "my10",
        ("option mysql-check",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x02\x00\x00\x02\xff\x15",),
        ),
    ),
    Row("my12", ("option mysql-check",), Peer(b"\x02\x00\x00\x00\xffi")),
    Row(
        "my13",
        ("option mysql-check",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x01\x00",),
            end=End.CLOSE,
        ),
    ),
    Row(
        "my15",
        ("option mysql-check",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x07\x00",),
        ),
    ),
    Row(
        "myu1",
        ("option mysql-check user bob",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        ),
    ),
    Row(
        "myu2",
        ("option mysql-check user bob",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00",),
        ),
    ),
    Row(
        "myu3",
        ("option mysql-check user bob",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"#\x00\x00\x02\xff\x15\x04#28000Access denied for user bob",),
        ),
    ),
    Row("myu4", ("option mysql-check user bob",), Peer(b"\x16\x00\x00\x00\xffi\x04Host 'x' is blocked")),
    Row(
        "myu5",
        ("option mysql-check user bob",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"",),
            end=End.CLOSE,
        ),
    ),
    Row("myu6", ("option mysql-check user bob",), Peer(b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x001234")),
    Row("myu7", ("option mysql-check user bob",), Peer(b"\x04\x00\x00\x00\told")),
    Row(
        "myu8",
        ("option mysql-check user bob",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00", b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00"),
        ),
    ),
    Row(
        "myu9",
        ("option mysql-check user bob",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x1a\x00\x00\x02\xfemysql_native_password\x00abc",),
        ),
    ),
    Row("myu12", ("option mysql-check user bob",), Peer(b"\x02\x00\x00\x00\xffi")),
    Row(
        "myu13",
        ("option mysql-check user bob",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x01\x00",),
            end=End.CLOSE,
        ),
    ),
    Row(
        "myu15",
        ("option mysql-check user bob",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x07\x00",),
        ),
    ),
    Row(
        "myp1",
        ("option mysql-check user bob pre-41",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        ),
    ),
    Row(
        "myp2",
        ("option mysql-check user bob pre-41",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00",),
        ),
    ),
    Row(
        "myp3",
        ("option mysql-check user bob pre-41",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"#\x00\x00\x02\xff\x15\x04#28000Access denied for user bob",),
        ),
    ),
    Row("myp4", ("option mysql-check user bob pre-41",), Peer(b"\x16\x00\x00\x00\xffi\x04Host 'x' is blocked")),
    Row(
        "myp5",
        ("option mysql-check user bob pre-41",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"",),
            end=End.CLOSE,
        ),
    ),
    Row("myp6", ("option mysql-check user bob pre-41",), Peer(b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x001234")),
    Row("myp7", ("option mysql-check user bob pre-41",), Peer(b"\x04\x00\x00\x00\told")),
    Row(
        "myp8",
        ("option mysql-check user bob pre-41",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00", b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00"),
        ),
    ),
    Row(
        "myp9",
        ("option mysql-check user bob pre-41",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x1a\x00\x00\x02\xfemysql_native_password\x00abc",),
        ),
    ),
    Row("myp12", ("option mysql-check user bob pre-41",), Peer(b"\x02\x00\x00\x00\xffi")),
    Row(
        "myp13",
        ("option mysql-check user bob pre-41",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x01\x00",),
            end=End.CLOSE,
        ),
    ),
    Row(
        "myp15",
        ("option mysql-check user bob pre-41",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x07\x00",),
        ),
    ),
    Row(
        "myq1",
        ("option mysql-check user bob post-41",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        ),
    ),
    Row(
        "myq2",
        ("option mysql-check user bob post-41",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00",),
        ),
    ),
    Row(
        "myq3",
        ("option mysql-check user bob post-41",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"#\x00\x00\x02\xff\x15\x04#28000Access denied for user bob",),
        ),
    ),
    Row("myq4", ("option mysql-check user bob post-41",), Peer(b"\x16\x00\x00\x00\xffi\x04Host 'x' is blocked")),
    Row(
        "myq5",
        ("option mysql-check user bob post-41",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"",),
            end=End.CLOSE,
        ),
    ),
    Row("myq6", ("option mysql-check user bob post-41",), Peer(b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x001234")),
    Row("myq7", ("option mysql-check user bob post-41",), Peer(b"\x04\x00\x00\x00\told")),
    Row(
        "myq8",
        ("option mysql-check user bob post-41",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00", b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00"),
        ),
    ),
    Row(
        "myq9",
        ("option mysql-check user bob post-41",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x1a\x00\x00\x02\xfemysql_native_password\x00abc",),
        ),
    ),
    Row("myq12", ("option mysql-check user bob post-41",), Peer(b"\x02\x00\x00\x00\xffi")),
    Row(
        "myq13",
        ("option mysql-check user bob post-41",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x01\x00",),
            end=End.CLOSE,
        ),
    ),
    Row(
        "myq15",
        ("option mysql-check user bob post-41",),
        Peer(
            b"'\x00\x00\x00\n8.0.35\x00\x01\x00\x00\x0012345678\x00\xff\xff!\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            answers=(b"\x07\x00",),
        ),
    ),
    Row("pg1", ("option pgsql-check user bob",), Peer(answers=(b"R\x00\x00\x00\x0c\x00\x00\x00\x05abcd",))),
    Row("pg2", ("option pgsql-check user bob",), Peer(answers=(b"E\x00\x00\x00\tSERROR\x00",))),
    Row("pg3", ("option pgsql-check user bob",), Peer(answers=(b"E\x00\x00\x00\tSERROR\x00",), end=End.CLOSE)),
    Row("pg4", ("option pgsql-check user bob",), Peer(answers=(b"R",), end=End.CLOSE)),
    Row("pg5", ("option pgsql-check user bob",), Peer(answers=(b"R\x00\x00\x00\x08",))),
    Row("pg6", ("option pgsql-check user bob",), Peer(answers=(b"N",))),
    Row("pg7", ("option pgsql-check user bob",), Peer(answers=(b"E\x00\x00",), end=End.CLOSE)),
    Row(
        "pg8",
        ("option pgsql-check user bob",),
        Peer(answers=(b"R\x00\x00\x00\x17\x00\x00\x00\nSCRAM-SHA-256\x00\x00",)),
    ),
    Row(
        "pg9",
        ("option pgsql-check user bob",),
        Peer(answers=(b"E\x00\x00\x00 SFATAL\x00VFATAL\x00C28000\x00Mno bob\x00\x00",), end=End.CLOSE),
    ),
    Row("pg10", ("option pgsql-check user bob",), Peer(answers=(b"EABCDEFGHIJKL",))),
    Row("pg11", ("option pgsql-check user bob",), Peer(answers=(b"E\x00\x00\x00\t",), end=End.CLOSE)),
    Row("pg12", ("option pgsql-check user bob",), Peer(answers=(b"S",))),
    Row("pg13", ("option pgsql-check user bob",), Peer(answers=(b"R\x00\x00\x00\x08\x00\x00\x00\x00Z",))),
    Row("ld1", ("option ldap-check",), Peer(answers=(b"0\x0c\x02\x01\x01a\x07\n\x01\x00\x04\x00\x04\x00",))),
    Row("ld2", ("option ldap-check",), Peer(answers=(b"0\x0c\x02\x01\x01a\x07\n\x011\x04\x00\x04\x00",))),
    Row(
        "ld3",
        ("option ldap-check",),
        Peer(answers=(b"0\x84\x00\x00\x00\x10\x02\x01\x01a\x84\x00\x00\x00\x07\n\x01\x00\x04\x00\x04\x00",)),
    ),
    Row("ld4", ("option ldap-check",), Peer(answers=(b"0\x0c\x02\x01",))),
    Row("ld5", ("option ldap-check",), Peer(answers=(b"0\x0c\x02\x01",), end=End.CLOSE)),
    Row("ld6", ("option ldap-check",), Peer(answers=(b"1\x0c\x02\x01\x01a\x07\n\x01\x00\x04\x00\x04\x00",))),
    Row("ld7", ("option ldap-check",), Peer(answers=(b"0\x0c\x02\x01\x02a\x07\n\x01\x00\x04\x00\x04\x00",))),
    Row("ld8", ("option ldap-check",), Peer(answers=(b"0\x0c\x02\x01\x01e\x07\n\x01\x00\x04\x00\x04\x00",))),
    Row("ld9", ("option ldap-check",), Peer(answers=(b"0\x0c\x02\x01\x01a\x07\x0b\x01\x00\x04\x00\x04\x00",))),
    Row("ld10", ("option ldap-check",), Peer(answers=(b"0\x0c\x02\x01\x01a\x07\n\x01\x00\x04\x00\x04\x00zzz",))),
    Row(
        "ld11", ("option ldap-check",), Peer(answers=(b"0\x81\x00\x00\x0c\x02\x01\x01a\x07\n\x01\x00\x04\x00\x04\x00",))
    ),
    Row(
        "ld12",
        ("option ldap-check",),
        Peer(answers=(b"1\x0c\x02\x01\x01a\x07\n\x01\x00\x04\x00\x04\x00",), end=End.CLOSE),
    ),
    Row(
        "ld13", ("option ldap-check",), Peer(answers=(b"0\x0c\x02\x01\x01a\x07\n\x01 \x04\x00\x04\x00",), end=End.CLOSE)
    ),
    Row(
        "ld14",
        ("option ldap-check",),
        Peer(answers=(b"0\x84\x00\x00\x00\x10\x02\x01\x01a\x84\x00\x00\x00\x07\n\x01\x00\x04\x00\x04\x00",)),
    ),
    Row("ld15", ("option ldap-check",), Peer(answers=(b"0\x0c\x02\x01\x01a\x07\n\x01",))),
    Row(
        "sp1",
        ("option spop-check",),
        Peer(
            answers=(
                b"\x00\x00\x00@e\x00\x00\x00\x01\x00\x00\x07version\x08\x032.0\x0emax-frame-size\x03\xfc\xf0\x06\x0ccapabilities\x08\npipelining",
            )
        ),
    ),
    Row("sp2", ("option spop-check",), Peer(answers=(b"\x00\x00\x00@e\x00\x00\x00\x01\x00",))),
    Row("sp3", ("option spop-check",), Peer(answers=(b"\x00\x00\x00@e\x00\x00\x00\x01\x00",), end=End.CLOSE)),
    Row(
        "sp4",
        ("option spop-check",),
        Peer(answers=(b"\x00\x00\x00)f\x00\x00\x00\x01\x00\x00\x0bstatus-code\x03c\x07message\x08\nbad things",)),
    ),
    Row("sp5", ("option spop-check",), Peer(answers=(b"\x00\x00\x00\x07e\x00\x00\x00\x01\x00\x00",))),
    Row(
        "sp6",
        ("option spop-check",),
        Peer(
            answers=(
                b"\x00\x00\x006e\x00\x00\x00\x01\x00\x00\x07version\x08\x031.0\x0emax-frame-size\x03\xfc\xf0\x06\x0ccapabilities\x08\x00",
            )
        ),
    ),
    Row("sp7", ("option spop-check",), Peer(answers=(b"\x00\x00\x00\x07g\x00\x00\x00\x01\x00\x00",))),
    Row(
        "sp8",
        ("option spop-check",),
        Peer(answers=(b"\x00\x00\x00#e\x00\x00\x00\x01\x00\x00\x07version\x08\x032.0\x0ccapabilities\x08\x00",)),
    ),
    Row(
        "sp9",
        ("option spop-check",),
        Peer(
            answers=(
                b"\x00\x00\x007e\x00\x00\x00\x01\x00\x00\x07version\x08\x032.0\x0emax-frame-size\x03\xfc\xf0\xff\x7f\x0ccapabilities\x08\x00",
            )
        ),
    ),
    Row(
        "sp10",
        ("option spop-check",),
        Peer(
            answers=(b"\x00\x00\x00#f\x00\x00\x00\x01\x00\x00\x0bstatus-code\x03\x02\x07message\x08\x04gone",),
            end=End.CLOSE,
        ),
    ),
    Row(
        "sp11",
        ("option spop-check",),
        Peer(
            answers=(b"\x00\x00\x00'e\x00\x00\x00\x01\x00\x00\x07version\x08\x032.0\x0emax-frame-size\x03\xfc\xf0\x06",)
        ),
    ),
    Row(
        "sp12",
        ("option spop-check",),
        Peer(
            answers=(
                b"\x00\x00\x008e\x00\x00\x00\x01\x00\x00\x07version\x08\x072.0,3.0\x0emax-frame-size\x03\x10\x0ccapabilities\x08\x00",
            )
        ),
    ),
    Row(
        "sp13", ("option spop-check",), Peer(answers=(b"\x00\x00\x00\x11e\x00\x00\x00\x01\x00\x00\x07version\x03\x01",))
    ),
    Row("sp14", ("option spop-check",), Peer(answers=(b"\xff\xff\xff\xff\xff\xffjj",))),
    Row(
        "sp15",
        ("option spop-check",),
        Peer(answers=(b"\x00\x00\x00\x1ff\x00\x00\x00\x01\x00\x00\x0bstatus-code\x03\x00\x07message\x08\x00",)),
    ),
    Row(
        "sp16",
        ("option spop-check",),
        Peer(
            answers=(
                b"\x00\x00\x006e\x00\x00\x00\x00\x00\x00\x07version\x08\x032.0\x0emax-frame-size\x03\xfc\xf0\x06\x0ccapabilities\x08\x00",
            )
        ),
    ),
    Row("ss1", ("option ssl-hello-chk",), Peer(answers=(b"\x16\x03\x00\x00\x10",))),
    Row("ss2", ("option ssl-hello-chk",), Peer(answers=(b"\x15\x03\x00\x00\x02\x02(",))),
    Row("ss3", ("option ssl-hello-chk",), Peer(answers=(b"\x17\x17\x17\x17\x17\x17",))),
    Row("ss4", ("option ssl-hello-chk",), Peer(answers=(b"\x16",))),
    Row("ss5", ("option ssl-hello-chk",), Peer(answers=(b"\x15",), end=End.CLOSE)),
    Row("ss6", ("option ssl-hello-chk",), Peer(answers=(b"\x16\x03\x03\x00P\x02",))),
    Row("ss7", ("option ssl-hello-chk",), Peer(answers=(b"HTTP/",))),
    Row("ss8", ("option ssl-hello-chk",), Peer(answers=(b"\x15\x03",), end=End.CLOSE)),
    Row(
        "ss9",
        ("option ssl-hello-chk",),
        Peer(
            answers=(
                b"\x16\x03\x00\x00\x10\x16\x03\x00\x00\x10\x16\x03\x00\x00\x10\x16\x03\x00\x00\x10\x16\x03\x00\x00\x10\x16\x03\x00\x00\x10\x16\x03\x00\x00\x10\x16\x03\x00\x00\x10\x16\x03\x00\x00\x10\x16\x03\x00\x00\x10",
            ),
            end=End.CLOSE,
        ),
    ),
    Row("rd1", ("option redis-check",), Peer(answers=(b"-ERR bad\r\n",), end=End.CLOSE)),
    Row("rd2", ("option redis-check",), Peer(answers=(b"-NOAUTH Authentication required.\r\n",))),
    Row("rd3", ("option redis-check",), Peer(answers=(b"+PO",), end=End.CLOSE)),
    Row("rd4", ("option redis-check",), Peer(answers=(b"xx\n+PONG\r\n",))),
    Row("rd5", ("option redis-check",), Peer(answers=(b"\r\nxx",), end=End.CLOSE)),
    Row("rd6", ("option redis-check",), Peer(answers=(b"x\ny\r\nz",), end=End.CLOSE)),
    Row("rd7", ("option redis-check",), Peer(answers=(b"-LOADING Redis is loading\r\n",))),
)
