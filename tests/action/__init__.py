"""Tests of the actions of rules, over transactions made by hand and beside HAProxy."""
