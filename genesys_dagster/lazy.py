"""Libraries that take a tenth of a second and more to import: each is, when something of it is first used.

`from genesys_dagster.lazy import pa` is what `lazy import pyarrow as pa` will be from Python 3.15 on (PEP 810). It is for
modules that are imported with the definitions, which every process of Dagster does; they put off the evaluation of
annotations, too. What only a step needs imports its libraries as usual, and is imported by the function that needs it.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq
else:

    class _Library(ModuleType):
        """Stands for a module until something of it is asked for."""

        def __getattr__(self, name: str) -> Any:
            return getattr(importlib.import_module(self.__name__), name)

    class _Datasets(type):
        def __instancecheck__(cls, value: object) -> bool:
            return issubclass(type(value), cls)

        def __subclasscheck__(cls, other: type) -> bool:
            return other is cls or issubclass(other, importlib.import_module("pyarrow.dataset").Dataset)

    class _Dataset(metaclass=_Datasets):
        """`pyarrow.dataset.Dataset` for annotations of inputs: Dagster evaluates them at once."""

    _Dataset.__name__ = _Dataset.__qualname__ = "Dataset"

    httpx, np, pd, pa, pc, ds, pq = map(
        _Library,
        ("httpx", "numpy", "pandas", "pyarrow", "pyarrow.compute", "pyarrow.dataset", "pyarrow.parquet"),
    )
    ds.Dataset = _Dataset

__all__ = ["ds", "httpx", "np", "pa", "pc", "pd", "pq"]
