"""Tests of checks: codecs by themselves, and whole checks beside HAProxy against servers that misbehave.

peers.py        servers with one behaviour each
rows.py         (what a backend says, what its server does), for checks; rows_protocols.py: for the ready-made ones
test_oracle.py  each row through HAProxy and through lbcore: the same log line, the same bytes at the server
"""
