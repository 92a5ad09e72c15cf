"""Reference data: client, columns, assets."""
