"""The balancer among servers that fail and clients in crowds: nothing is lost that could be saved, nothing leaks.

`test_faults.py` puts every kind of bad server (`tests.peers.chaos`) beside good ones, `test_crowds.py` keeps thousands
of connections open, `test_stop.py` stops the program under load. `rig.py` starts the balancer for them.
"""
