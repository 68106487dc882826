"""`lbcore explain`: what a configuration would do with a request, rule by rule, without a packet being sent.

    lbcore explain -f lb.cfg 'GET http://host/path' [-H 'Name: value'] [--src IP[:port]] [--dst IP:port]
                   [--data TEXT] [--frontend NAME] [--reply STATUS] [-R 'Name: value'] [--reply-data TEXT] [--json]

The balancer is built as for a start, but for its listening sockets (`api.LoadBalancer.rehearse`). Then this package
takes the shim's part: it puts the questions of native/include/ask.h that a client's connection would raise to the same
Decider, which runs the same compiled plans, and reads its verdicts. What was looked at on the way is told by the rules
themselves: before the balancer is built, `trace.py` gives each rule a condition and an action that do what theirs do
and write down what they saw. Counters are those of a balancer that has just started: no other client is there.

    request.py       a client, from a command line: what it sends, as the shim would hand it on
    choice.py        the frontend that it reaches, and where that listens
    trace.py         rules that tell what they see and change
    walk.py          questions and verdicts, up to what becomes of the request
    head.py          the head of a request as servers get it
    explanation.py   what comes out: an `Explanation`, with the servers that may be chosen
    output.py        an explanation as text, as JSON
    command.py       the sub-command

Called by `__main__`. One thread, no locks of its own; nothing is kept.
"""
