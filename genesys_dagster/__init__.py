"""Every Genesys Cloud conversation detail record, as daily Parquet partitions on S3, as Dagster assets.

The public surface. Nothing is imported before it is asked for: `import genesys_dagster` costs no Dagster.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genesys_dagster.cloud import GenesysCloud
    from genesys_dagster.component import GenesysCloudComponent
    from genesys_dagster.lake.io_manager import S3ParquetIOManager
    from genesys_dagster.recovery.recover import recover
    from genesys_dagster.resources import GenesysResource

__all__ = ["GenesysCloud", "GenesysCloudComponent", "GenesysResource", "S3ParquetIOManager", "recover"]

_MODULES = {
    "GenesysCloud": "cloud",
    "GenesysCloudComponent": "component",
    "GenesysResource": "resources",
    "S3ParquetIOManager": "lake.io_manager",
    "recover": "recovery.recover",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    # `dg` finds components by it.
    return sorted({*globals(), *__all__})
