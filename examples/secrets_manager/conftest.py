pytest_plugins = ["genesys_dagster.testing"]
