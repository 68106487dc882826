"""What threads share with each other: labels, locks, counters, the sync point, hooks, thread masks.

    labels.py     the one list of lock labels, in the order of nesting (it is lockset.h's)
    locks.py      labelled spinlock and read-write lock for `with`, and the set that watches them
    counters.py   a counter that any thread may change
    freqctr.py    events per period, sliding
    syncpoint.py  all workers meet, one does the work
    hooks.py      what a worker does first and last
    masks.py      thread sets such as "1-4" and "odd"; how many threads to run; cgroup.py: the quota behind that

Callers are all floors above. Nothing here knows what is counted or guarded, and nothing is kept at module level:
every object belongs to one balancer, which makes it before its threads and drops it after them.

Ownership comes first: what one thread owns needs nothing of this. The locks are the shim's, so C and Python may wait
for the same one; who waits has released the GIL. Hold one for a few statements, never across a system call or a log
line. `masks` and `cgroup` do not need the compiled module, because the command line asks them before it is loaded.
"""
