"""Connections below the proxies: what is listened on, and (in the shim) what is accepted and opened.

    settings.py   one `bind` line as typed values
    address.py    addresses between Python and the shim
    listening.py  opens a listening socket, or takes an inherited one over
    applet.py     Python-owned endpoints: the other side of a connection is an object of ours

Called by `proxy`, which gives the descriptors to the engine; from then on accepting, reading and writing are the
shim's (native/include/{sock,listener,conn}.h). Handed upwards: descriptors and OSError, and what happens on
the connections of applets, which belong to their worker. No locks.
"""
