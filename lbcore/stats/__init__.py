"""What the figures of the program are called, and in which order they are shown.

`views.py` says what the objects below must offer (frontend, listener, server, backend, process); they need not know
this folder. `fields.py` is the one table of the columns of `show stat`: name, kind, documentation and, for each type of
object, the function that yields the value. `info.py` is the same for the lines of `show info`. `csv.py` writes rows as
HAProxy's CSV, `typed.py` as typed lines and JSON; other outputs are to read the same tables.

Called by: the CLI, later the statistics page and exporters. Handed upwards: rows of plain values and text.
Extension: a column or a line is a row in its table; order is HAProxy's, since people parse by position too.

Ownership and locks: nothing is kept here. Values are read from the objects at the moment of the call without any lock
of this folder; what a property of a view needs to be read safely, it does itself (counters are summed over shards).
"""
