"""Tests of `lbcore lint`: a table of configurations, one that each lint finds and its twin that it does not."""
