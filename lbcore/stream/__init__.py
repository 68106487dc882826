"""Streams: what becomes of a connection once it is accepted.

    decisions.py  all of a balancer's decisions and logs; not imported where the shim needs none (`proxy.plain`)
    decide.py     questions of the shim -> rules -> verdicts
    txn.py        what rules look at: a session, a request and its response; message.py: heads and bodies
    rules.py      what an action is and what it may come to; rulelist.py: a list of rules -> one Python function
    planning.py   settings -> plans; plan.py: what is decided for a frontend and a backend, in which order
    world.py      the balancer around it all: live objects by number and name; outside.py: expressions without a stream
    pieces.py     replies that are made while they are sent
    captures.py, monitor.py, buffering.py, restrict.py, forwarded.py, cookies.py, balance.py, caching.py, unique_id.py,
    pages.py      the steps of a plan that options ask for; rfc7239.py: reading the field Forwarded
    aliases.py    what the aliases of log-format yield, named in vocabulary.py; txnlog.py: a stream -> its log line;
                  logs.py: where lines go

Streams without decisions are the shim's (native/include/flow.h): it tells Python of those that ended, in batches, and
of what an applet receives. Where there are rules it asks (native/include/ask.h), a batch of questions a turn, and goes
on by the verdicts. To the shim an applet is a connection like any server's, so that the same flow moves its bytes,
keeps its timeouts and counts it.

Called by: `event` workers, through the handlers registered here; `api` registers them. Ownership: transactions,
applets and logs belong to the worker that owns the connection. What is compiled is shared by all and never changes.
"""
