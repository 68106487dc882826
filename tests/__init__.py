"""The tests, one folder for each of `lbcore/`, and those that need the whole: `oracle`, `chaos`, `bench`, `program`.

A package, so that `tests/http` is never taken for the library's `http`. What tests share is imported by its full name:
`tests.peers` are the programs on either side of the balancer, `tests.embedded` is a balancer inside of the test.
Who calls them: pytest, through tox (`tox -e py`); `tests/native/run.py` runs what is written in C.
"""
