"""The configuration language: text in, typed settings and diagnostics out.

`loader.load()` is the way in, for the program and the library alike. It opens the sources (`source`), cuts each line
into words that remember their column (`tokenizer`, `words`), obeys the lines that begin with a dot (`directives`,
`conditions`), and hands the others to the section they stand in (`sections`, `sec_*`), whose keywords (`keywords`,
`kw_*`) fill the settings of `proxy/`, `conn/` and `log/`. At the end `check` looks at the whole. What is wrong goes
to the one `Reporter` of the load (`diagnostics`) and reading goes on, so that one run shows every mistake with its
line, a caret and the nearest known word (`suggest()`, `known`).

A load's state hangs off one `Context` and belongs to the thread that loads: there are no locks, and loads in other
threads do not meet. The tables of words are frozen before the first line is read. The environment is a private copy
(`environment`), relative names are resolved without changing directory (`defaultpath`): nothing here touches the
process. `conditions` and `tokenizer` import nothing heavy, because `-cc` has a tenth of a second.
"""
