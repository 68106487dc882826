"""Tests of the pure HTTP codecs: the scanner of `native/`, seen through a small library built for these tests alone.

`scanner` builds that library and turns its structures into Python objects; `rows` is the table of messages that two
parsers could read differently, and of their innocent neighbours, each with its verdict and the reason. The tests hold
the scanner against the table, against h11, and against HAProxy as it runs.
"""
