"""The benchmark: the program under test beside Debian's HAProxy, with the same configuration file, in the same run.

    python -m tests.bench [scenario ...] [--rounds 3] [--seconds 4] [--json FILE] [--program COMMAND]
    python -m tests.bench.profile SCENARIO [--tool strace|perf]

`scenarios` lists what is measured: one row each, with its configuration in `configs/` and the budget it must keep.
`measure` runs one scenario against one program: starts it, loads it (`load`: wrk and h2load), reads what it cost from
/proc and stops it. `runner` starts nginx as the server and takes turns, reference
first, so that only one of the two is loaded at a time and both see the same machine; a ratio is the median of the
ratios of the rounds, never a ratio of medians. `report` prints Markdown.

A load that sees one error gives no figure: LoadError ends the scenario and the exit code of the benchmark is 1.
Nothing is pinned to a CPU: load generator, server and balancer share the machine as they would for a user.
"""
