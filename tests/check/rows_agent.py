"""What agents say."""

from tests.check.peers import End, Peer
from tests.check.row import Row

SERVER = "weight 50 maxconn 20 agent-check agent-inter 1h agent-port {port}"
LINES = (
    b"up\n", b"UP\n", b"down\n", b"Down # out of memory\n", b"down#x\n", b"stopped\n", b"stopped # gone fishing\n",
    b"STOPPED\n", b"fail\n", b"failed\n", b"FAIL # broken\n", b"fail#x y\n", b"maint\n", b"MAINT\n", b"drain\n",
    b"Drain\n", b"ready\n", b"ready up\n", b"up ready\n", b"maint up\n", b"maint down\n", b"drain 50%\n", b"50%\n",
    b"0%\n", b"100%\n", b"200%\n", b"256%\n", b"1000%\n", b"1000000%\n", b"50 %\n", b"50%%\n", b"%\n", b"-5%\n",
    b"5.5%\n", b"050%\n", b"up 75% maxconn:30\n", b"maxconn:30\n", b"maxconn:0\n", b"MAXCONN:30\n", b"maxconn:30x\n",
    b"maxconn:x\n", b"maxconn:+5\n", b"maxconn: 30\n", b"up,75%,ready\n", b"up\t75%\n", b"  up\n", b",up\n",
    b"up down\n", b"down up\n", b"up stopped # x\n", b"ready drain\n", b"drain ready\n", b"maint ready\n", b"#\n",
    b"# only\n", b"up #\n", b"up # with, comma and 50%\n", b"down foo bar # why\n", b"foo # why\n", b"foo bar\n",
    b"up\n\n", b"\r\nup\n", b"up\r", b"up;down\n", b"a" * 300 + b"\n", b"up # " + b"d" * 2000 + b"\n",
    b'down # <b>"q"&\n', b"down # \xe4\xff\n", b"up # \xc3\xa4\x1b\n", b"75% maint\n",
    b"up 75% drain maxconn:5 # all at once\n", b"ready maxconn:12 10% down # r\n", b"stopped ready\n", b"fail maint\n",
    b"50% 60%\n", b"maxconn:1 maxconn:2\n", b"50% foo\n", b"300% # heavy\n",
)  # fmt: skip
ROWS = tuple(Row(f"agent{i}", (), Peer(line, end=End.CLOSE), server=SERVER) for i, line in enumerate(LINES))
