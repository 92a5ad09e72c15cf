"""How a column is shown in an asset's Columns tab, wherever it is known from."""

from collections.abc import Sequence

import dagster as dg


def shown(
    name: str, kind: str, description: str, members: Sequence[str], *, nullable: bool
) -> dg.TableColumn:
    """Returns a column of the tab.

    Args:
        name: Its name.
        kind: Its type, as text.
        description: What it holds.
        members: Names of the members of a struct, or of the structs in a list: they stand beside the type.
        nullable: Whether it can be absent.
    """
    listed = f"Fields: {', '.join(members)}." if members else ""
    return dg.TableColumn(
        name=name,
        type=kind,
        description=" ".join(filter(None, (description, listed))) or None,
        constraints=dg.TableColumnConstraints(nullable=nullable),
    )


def struct_of(members: int) -> str:
    """Returns a struct as text.

    Spelled out, its members would take the width of the whole table from the descriptions.
    """
    return f"struct<{members} field{'' if members == 1 else 's'}>"
