"""Whole exports, each a program of its own: `python -m benchmarks.contenders.NAME TASK`, task and result as JSON.

They read the same responses and write to the same S3. None is told more than where those are.
"""
