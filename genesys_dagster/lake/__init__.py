"""Parquet on S3: whole objects, written while they are made and read back by column and row.

Nothing is imported here, so that a module of this package costs only what it uses itself.
Start with `io_manager.S3ParquetIOManager` (the door for Dagster) or `frames.FrameStream`
(what an asset returns when its frames are made while they are written).
"""
