"""Peers: balancers that teach each other what their stick tables have (manual 3.5; HAProxy's doc/peers.txt).

    codec.py       numbers, messages, definitions of tables, hellos: bytes alone
    dictionary.py  texts that are sent once
    entries.py     entries of a table as bytes, and back
    share.py       a table and one peer: how far each side has come
    written.py     another table that gets what peers tell, too
    session.py     what two peers say to each other, whoever called
    links.py       connections until both know who is who
    peer.py        one peer: whether there is a session, when it is called again
    section.py     a `peers` section at work, and its one task
    peers.py       all of them

Built by `api`, shown by `cli/cmd_peers.py`. A section belongs to one worker: its listener, its calls, its sessions and
its task are that worker's alone, so nothing here has a lock. What other threads change in tables is found in the
shim's lists of changes (native/include/table.h), under the tables' own locks; a request costs nothing more than its
place in that list.
"""
