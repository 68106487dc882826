"""Proxies: frontends that accept, backends that choose, servers that answer.

    settings.py   a whole configuration as typed values
    frontend.py   the client side: limits, timeouts, listeners, figures
    backend.py    the server side: balancing, retries, the queue, figures
    server.py     one server
    serving.py    what backends and servers tell alike
    proxy.py      a section of the configuration: a frontend, a backend, or both
    convert.py    settings -> the shim's structs; plain.py: whether these say all that the settings do

Called by `api`, which builds proxies from settings; by `stats` and `cli`, which show them (they are the views of
`lbcore.stats.views`). The objects are thin: what happens per connection happens in the shim, whose counters and gauges
they read. Written before the threads start, read from any thread afterwards; locks are the shim's.
"""
