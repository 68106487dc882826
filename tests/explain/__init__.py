"""Tests of `lbcore explain`: what it says of a request, and that a running balancer does the same."""
