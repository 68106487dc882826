"""`lbcore lint`: configuration that is valid and still dangerous.

    lbcore lint -f lb.cfg [--format text|json|sarif] [--disable ID,...]

A lint is a row: an id, a name, how bad it is, what it is about, what to do, and a function that looks at a `Subject`
and yields hits. Each topic is a file that ends with its rows; the number of an id tells its file:

    order.py      LB1xx   rules that are never met, or not when they seem to be
    acls.py       LB2xx   ACLs that match something else than is meant
    regexes.py    LB3xx   regular expressions (backtrack.py: those that take for ever)
    timeouts.py   LB4xx   times that are missing
    servers.py    LB5xx   backends, servers, addresses
    trust.py      LB6xx   what clients are believed
    process.py    LB7xx   the process, its socket, its users, its logs
    words.py      LB8xx   words on their way out
    checks.py     LB9xx   checks that are not made, that cannot fail, that notice too late

subject.py has what lints look at: the settings, and the lines as they were read. finding.py has rows and findings,
output.py the formats (SARIF 2.1.0 among them), command.py the sub-command. Called by `__main__`. No engine is
loaded, no thread runs, no lock is taken.
"""
