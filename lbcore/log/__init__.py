"""Where texts leave the program: syslog targets, file descriptors and rings.

`settings.py` holds what one `log` line says, as typed values. `header.py` renders what stands before the text in
each of the eight formats. `sender.py` moves finished lines: UDP, unix datagrams, descriptors; never waiting, counting
what is lost. `syslog.py` puts them together: a `LogSink` is one target, a `Logger` all targets of one proxy (or of
the globals), and it is what the floors above are handed. `ring.py` keeps the last lines in memory for who asks later.

Called by: the transaction log (streams that ended), proxies ("Proxy fe started."), checks, the program itself.
Handed upwards: nothing but the number of lines lost; no call from here goes up.

Ownership: a `Logger` and the `Senders` it sends through belong to one thread, so that formatting and sending need no
lock and one thread's lines keep their order. Shared between threads are only a `Sampler` (one a target that samples)
and a `Ring`: both take the lock they are given, the log ring's, the innermost of all.
"""
