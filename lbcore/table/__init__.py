"""Stick tables: what is remembered of an address, a cookie, any key, by all threads at once.

    settings.py   a `stick-table` line as typed values
    types.py      the data types that a table can store
    key.py        keys: sample values -> the bytes that entries are found by, and back
    table.py      a table: entries by key, their data, walks over them
    tables.py     the tables of one balancer by name, and the removal of what expired
    dump.py       the contents of a table as lines of JSON, and back

Called by the words of expressions and rules (`fetch`, `conv`, `action`), which look entries up and count; by `proxy`
and `stream`, which hand tracked entries to the shim, whose flows count on them without asking; by the stats socket,
which shows and changes them. Entries are the shim's (native/include/table.h): a look-up gives the number of an entry
and a reference to it, which the caller gives back. One spinlock a table (TABLE) covers look-up, insertion, expiry and
references; one rwlock an entry (TENTRY) covers its data. Both are taken inside the calls: nobody up here ever holds
one.
"""
