"""Streams: what becomes of a connection once it is accepted.

    applet.py   Python-owned endpoints: the other side of a connection is an object of ours
    txnlog.py   the record of a finished stream -> its log line

Streams without decisions are the shim's (native/include/flow.h): it tells Python of those that ended, in batches, and
of what an applet receives. To the shim an applet is a connection like any server's, so that the same flow moves its
bytes, keeps its timeouts and counts it.

Called by: `event` workers, through the handlers registered here; `api` registers them. Ownership: an applet and its log
belong to the worker that owns the connection. No locks.
"""
