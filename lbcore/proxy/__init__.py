"""Proxies: frontends that accept, backends that choose, servers that answer.

    settings.py   a whole configuration as typed values
    frontend.py   the client side: limits, timeouts, listeners, figures
    backend.py    the server side: balancing, retries, the queue, figures
    server.py     one server: what was configured, its state, figures
    serving.py    what backends and servers tell alike
    proxy.py      a section of the configuration: a frontend, a backend, or both
    fullconn.py   how many streams a backend has that are many, where nobody says so
    pipes.py      how many pipes splicing may use
    convert.py    settings -> the shim's structs; plain.py: whether these say all that the settings do
    machine.py    the states of a server, and what leads from one to the other
    health.py     what checks find out, and how it is counted
    states.py     the one way for every change of a server; effects.py: what it means to the shim;
                  lines.py, teller.py: how it is told; status.py: how it is shown; weights.py: how weights are written
    dyncookie.py  cookies of servers that are made of addresses, while it runs
    sighup.py     the lines in which a proxy tells its state

Called by `api`, which builds proxies from settings; by `check` and `cli`, which change servers through `States`; by
`stats` and `cli`, which show them (they are the views of `lbcore.stats.views`). The objects are thin: what happens per
connection happens in the shim, whose counters and gauges they read. Written before the threads start and at the sync
point, read from any thread; locks are the shim's, but for the server's own (`Label.SERVER`), which guards its state.
"""
