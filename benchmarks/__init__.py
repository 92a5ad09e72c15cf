"""Speed and memory of the export, measured side by side with other ways to do it: `python -m benchmarks`.

Numbers of one run belong to its machine; what carries over are the ratios within a run (docs/benchmarks.md).
"""
