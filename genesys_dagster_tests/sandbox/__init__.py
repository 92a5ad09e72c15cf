"""Tests of the sandbox: the made-up org and its HTTP interface."""
