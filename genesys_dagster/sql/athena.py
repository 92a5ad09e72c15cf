"""The lake's assets as external tables of Amazon Athena: `python -m genesys_dagster.sql.athena NAME s3://bucket/prefix`.

Types follow Athena's "Data types in Amazon Athena"; partitions follow its "Partition projection", so no crawler and no
`MSCK REPAIR TABLE` is needed when a day is added.
"""

import pyarrow as pa

from genesys_dagster.lake.nested import is_plain_list

_NAMES = {pa.string(): "string", pa.int64(): "bigint", pa.float64(): "double", pa.bool_(): "boolean"}


def create_table(name: str, schema: pa.Schema, location: str, start: str = "2026-01-01") -> str:
    """Writes the DDL of a daily asset.

    Args:
        name: The asset's name, also that of the table.
        schema: Its columns.
        location: Where the lake is, such as `s3://my-lake/genesys`.
        start: The first partition.

    Returns:
        A CREATE EXTERNAL TABLE statement.
    """
    columns = ",\n".join(f"  `{field.name}` {_type(field.type)}{_comment(field)}" for field in schema)
    folder = f"{location.rstrip('/')}/{name}/"
    return f"""\
CREATE EXTERNAL TABLE {name} (
{columns}
)
PARTITIONED BY (`date` string)
STORED AS PARQUET
LOCATION '{folder}'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '{start},NOW',
  'storage.location.template' = '{folder}date=${{date}}/'
)"""


def _type(kind: pa.DataType) -> str:
    if pa.types.is_struct(kind):
        return f"struct<{', '.join(f'{member.name}: {_type(member.type)}' for member in kind)}>"
    if pa.types.is_map(kind):
        return f"map<{_type(kind.key_type)}, {_type(kind.item_type)}>"
    if is_plain_list(kind):
        return f"array<{_type(kind.value_type)}>"
    return "timestamp" if pa.types.is_timestamp(kind) else _NAMES[kind]


def _comment(field: pa.Field) -> str:
    description = (field.metadata or {}).get(b"description", b"").decode()
    # AWS Glue, "Column": a comment has 255 characters at most. A quote would end it.
    text = description.replace("'", "\u2019")[:255]
    return f" COMMENT '{text}'" if text else ""


def _main() -> None:
    import click

    from genesys_dagster.records.schema import CONVERSATION_SCHEMA
    from genesys_dagster.sql.table_specs import SPECS

    schemas = {"conversation_details": CONVERSATION_SCHEMA} | {spec.name: spec.schema for spec in SPECS}

    @click.command(help="Print the DDL of an asset for Amazon Athena.")
    @click.argument("name", type=click.Choice(sorted(schemas)))
    @click.argument("location")
    @click.option("--start", default="2026-01-01", show_default=True, help="First partition.")
    def command(name: str, location: str, start: str) -> None:
        click.echo(create_table(name, schemas[name], location, start))

    command()


if __name__ == "__main__":
    _main()
