"""Conversations that must look the same through lbcore and through HAProxy, byte for byte, to client and to server.

A row (`row.Row`) is a client's script and a server's script. `rows_*.py` hold the rows by topic, `configs.py` the
proxies they go through, `runner.py` plays one row through one balancer, and `test_conversations.py` compares. One
balancer per topic and program serves all of the topic's rows. The topics of rules (`rows_rules_*.py`) stand beside
their rows; their proxies also write log lines, which are compared like the bytes (`logline.py` tells what of a line is
the same in every run).

What may differ is normalised in `row.normalise()`, as the row declares it and `row.Row` explains. Where the RFC asks
for something else than HAProxy does, the row says what must happen (`Departure`) and why; it is then also checked that
HAProxy does not do that, so that a departure that is none any more is noticed. So is a row where the two HAProxys
differ without its saying so (`Differ`).
"""
