"""Frontends, backends and servers, seen from outside: who is served, by whom, over which connection.

`test_limits.py` has the limits on the client side, `test_queue.py` those of servers; `test_balance.py` looks at who is
chosen, `test_reuse.py` counts connections at the server, `test_views.py` reads the figures.
"""
