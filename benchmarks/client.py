"""How the API's client is set up for a server of the benchmarks."""

from genesys_dagster.genesys.settings import ClientSettings

UNLIMITED = 10_000_000
"""Requests a minute, where no limit is to be seen."""


def client_settings(url: str, requests_per_minute: int = UNLIMITED) -> ClientSettings:
    return ClientSettings(
        client_id="benchmark",
        client_secret="benchmark",
        api_url=url,
        login_url=url,
        requests_per_minute=requests_per_minute,
    )
