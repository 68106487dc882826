"""Samples: values that are fetched from a connection or a message, converted, matched, formatted (manual 7, 8.2).

    types.py      types of samples, casts between them
    points.py     where in the processing a sample may be asked for
    rows.py       the tables of fetches and converters, whose files in `fetch` and `conv` are imported word by word
    build.py      what compiling an expression may ask for: live objects by their names
    expression.py text -> expression, and expression -> function; grammar.py: lists of arguments; sources.py, known.py:
                  names of what fetches read, of words that are not done
    pattern.py    matching methods (`-m`), flags, indexes of patterns; network.py, regex.py: those of two methods
    reference.py  pattern files and maps: shared by name, changed while threads run
    acl.py        named and anonymous ACLs, conditions (`if`, `unless`); acltest.py: one test of an ACL; criteria.py:
                  words that imply a method, predefined ACLs
    mentions.py   files and names that expressions mention, and how files are found (files.py); names.py: what was noted
    variable.py   scopes and names of variables
    format.py     log-format strings, read; alias.py, render.py, cbor.py: their aliases, functions, encodings;
                  style.py: what places make of them

Everything is compiled once, when a balancer is built: an expression becomes a Python function of one argument, the
transaction, which this floor never looks into. A value of None means that there is no sample, and matches nothing.
Text is `str` with one character a byte (latin-1), so that what came from the wire can be told from nothing else and
goes back as it came.

Called by: `cfg` (phase one: text -> specs, with all errors at their lines) and `api` (phase two: specs -> functions
over live objects). Compiled objects are shared by all threads and never change, but for pattern references (label
PATTERNS) and variables of the process (GLOBAL), which have locks for who changes them; who reads takes none.
"""
