"""The SQL behind tables and performance figures, one file per asset, and what runs it.

The dialect is DuckDB's. A statement reads its upstream assets under their names.
"""

import hashlib
from functools import cache
from importlib.resources import files


@cache
def load(folder: str, name: str) -> str:
    """The statement of an asset.

    Args:
        folder: Folder beside this file, such as `tables`.
        name: Name of the asset.

    Returns:
        The text of `{folder}/{name}.sql`.

    Raises:
        FileNotFoundError: There is no such file.
    """
    return files(__name__).joinpath(folder, f"{name}.sql").read_text(encoding="utf-8")


def code_version(*texts: str) -> str:
    """A short version that changes with the text of the statements, for Dagster's `code_version`."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]
