"""Checks: what finds out whether servers work.

    checks.py     all checks of a balancer; check.py: those of one kind of one server, one after the other
    run.py        a check on its way: steps, and the connection that they work on; target.py: where that leads,
                  begun.py: what is said of one that fails at once
    steps.py      what steps and rulesets are
    tcpcheck_connect.py, tcpcheck_send.py, tcpcheck_expect.py, tcpcheck_var.py   the steps of `tcp-check`
    httpcheck_send.py, httpcheck_expect.py                                       those of `http-check` besides
    protocols.py  the ready-made checks: ldap.py, mysql.py, pgsql.py, redis.py, smtp.py, spop.py, ssl_hello.py, which
                  read answers with the step of replies.py
    agent.py      agent checks: a line of words from the machine itself
    external.py   checks by a program

Called by `api`, which builds `Checks` from settings and starts them with the workers. Handed upwards, or rather down:
each result goes to `lbcore.proxy.states.States.report`, and what an agent orders to the same; nothing here knows of up
and down. A check belongs to one worker, which makes all checks of that server and kind; programs are shared and never
change. No locks.
"""
