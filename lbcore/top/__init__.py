"""`lbcore top`: the figures of a running balancer in a terminal, updated in place.

    client.py    asks the stats socket, ours or HAProxy's: `show info`, `show stat`
    sample.py    what it answered at a moment, and what happened between two moments
    screen.py    a sample as lines of text, as many as fit
    terminal.py  where lines are shown and keys come from; left as it was found
    command.py   the words of the command line; the loop

It is a client like any other and knows nothing of the balancer but what the socket says: it works with HAProxy, too.
One thread, no locks. `screen` is pure: what it shows can be tested without a terminal.
"""
