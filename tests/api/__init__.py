"""The library as its users see it: configurations in, a running balancer, nothing left behind.

`test_life.py` starts and stops; `test_addresses.py` binds every kind of address; `test_errors.py` is told what is
wrong; `test_stop.py` stops, pauses and resumes under load; `test_host.py` looks at the process around it;
`test_crowd.py` keeps thousands of connections open; `test_cli.py` speaks to the stats socket. `tests/embedded.py` has
what they share.
"""
