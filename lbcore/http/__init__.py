"""HTTP without a wire: texts and tables that are pure data, no input or output.

`pages.py` has the error pages that the balancer answers with by itself; `members.py` takes lists in fields apart.

Called by whoever builds a balancer, which hands the pages to the shim; later by what parses and writes messages that
do not pass through the shim. Nothing here knows sockets, time or other floors. No state, no locks.
"""
