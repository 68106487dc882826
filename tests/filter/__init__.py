"""Tests of filters, against real servers."""
