"""A process that asks the sandbox as often as it may; `python -m genesys_dagster_tests.genesys.asker WINDOW SLACK`.

What connects it to the sandbox and the store stands in the environment. It prints `ready`, waits for a line, and asks
until it is killed.
"""

import asyncio
import os
import sys
from dataclasses import asdict

from genesys_dagster.genesys import rate_limit, shared_limit
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.settings import ClientSettings, SettingNames


async def ask():
    # Without Dagster, whose import takes seconds.
    given = {field: os.environ.get(name) for field, name in asdict(SettingNames()).items()}
    given["region"] = "us-east-1"
    async with GenesysClient(ClientSettings(**given, requests_per_minute=20)) as client:
        await client.authenticate()  # from here on there is a connection
        await asyncio.to_thread(client._limiter._shared.pause, 0.0)  # ... and one to the store
        print("ready", flush=True)
        sys.stdin.readline()

        async def one():
            while True:
                await client.get_json("/api/v2/authorization/divisions")

        await asyncio.gather(*(one() for _ in range(3)))


if __name__ == "__main__":
    shared_limit.WINDOW, shared_limit.SLACK = map(float, sys.argv[1:])
    rate_limit.WINDOW = shared_limit.WINDOW
    asyncio.run(ask())
