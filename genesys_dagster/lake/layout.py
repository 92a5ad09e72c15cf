"""Where objects lie: a Hive layout that every engine reads as it is.

`{prefix}/{asset key}/date={YYYY-MM-DD}/data.parquet`, unpartitioned `{prefix}/{asset key}/data.parquet`.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

FILE_NAME = "data.parquet"

# Left as they are in a path segment. The rest is percent-encoded, as Hive does with partition values
# (Apache Hive, FileUtils.escapePathName), so that a value can neither leave its folder nor break a URL.
_PLAIN = " :+,@!$&()-._~"


def object_key(
    prefix: str, asset_path: Sequence[str], partition: Mapping[str, str] | None = None, file: str = FILE_NAME
) -> str:
    """Returns the key of an object.

    Args:
        prefix: What all keys begin with; may be empty.
        asset_path: The parts of the asset key.
        partition: Partition column to value, outermost first; None for an unpartitioned asset.
        file: Name of the file.

    Returns:
        The key, without a slash in front.
    """
    folders = [f"{_segment(name)}={_segment(value)}" for name, value in (partition or {}).items()]
    return "/".join(part for part in (prefix.strip("/"), *map(_segment, asset_path), *folders, file) if part)


def _segment(text: str) -> str:
    quoted = quote(text, safe=_PLAIN)
    return "%2E" * len(quoted) if quoted in {".", ".."} else quoted
