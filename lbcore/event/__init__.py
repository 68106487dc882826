"""The event floor: the shim's engine, the worker threads that drive it, and the tasks that they run.

    engine.py   one engine of the shim: made from settings, freed once, everything of a balancer hangs off it
    worker.py   one thread: polls, and hands each event of a batch to who is responsible
    crew.py     all workers of a balancer: start, meet, stop
    task.py     Python functions that are woken by time or by another thread
    profile.py  what the time of workers is spent on, while somebody wants to know
    blocked.py  a warning when one lets traffic wait for long

Called by: `api` and whoever builds a balancer. A worker's loop is

    while not stopping:
        n = eng_poll(...)          # the GIL is released; the shim moves all that is decided
        for each of n events:      # only what needs Python: finished streams to log, applets, tasks, the sync point
            handlers[kind](...)

Handed upwards: floors above register a handler for a kind of event before the threads start. Ownership: a worker's
objects belong to its thread; `Crew` may be used from any thread. No locks of its own.
"""
