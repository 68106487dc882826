"""What the figures of the program are called, and in which order they are shown.

`views.py` says what the objects below must offer (frontend, listener, server, backend, process); they need not know
this folder. `fields.py` is the one table of the columns of `show stat`: name, kind, documentation and, for each type of
object, the function that yields the value. `info.py` is the same for the lines of `show info`. Rows become text in
`csv.py` (HAProxy's CSV), `typed.py` (typed lines and JSON, with what columns mean; `schema.py` describes the JSON),
`prometheus.py`.

The statistics page: `page.py` is the step of a proxy's requests, `asked.py` reads their targets, `page_rows.py` makes
cells of rows, `page_html.py` HTML of cells, `page_admin.py` does what forms ask for, `page_assets.py` has the files of
`web/`: style, script, and uPlot. `services.py` is what rules may name.

Called by: the CLI, the plans of streams (through `Facts`). Handed upwards: rows of plain values, text, replies.
Extension: a column or a line is a row in its table; order is HAProxy's, since people parse by position too.

Ownership and locks: nothing is kept here. Values are read from the objects at the moment of the call without any lock
of this folder; what a property of a view needs to be read safely, it does itself (counters are summed over shards).
"""
