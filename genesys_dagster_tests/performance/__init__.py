"""Tests of the performance figures."""
