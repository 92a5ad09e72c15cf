"""Every Genesys Cloud conversation detail record, as daily Parquet partitions on S3, as Dagster assets."""
