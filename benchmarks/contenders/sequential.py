"""Response bodies of a bulk job, fetched one after another over one connection, as scripts do it."""

from collections.abc import Iterator

import httpx

_JOBS = "/api/v2/analytics/conversations/details/jobs"
_JOB = {"interval": "2026-01-05T00:00:00Z/2026-01-06T00:00:00Z", "startOfDayIntervalMatching": True}


def responses(api_url: str) -> Iterator[httpx.Response]:
    """Log in, run a job, and follow its cursor."""
    with httpx.Client(base_url=api_url, timeout=120) as http:
        token = http.post("/oauth/token", auth=("benchmark", "benchmark")).json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        job = http.post(_JOBS, json=_JOB).json()["jobId"]
        if http.get(f"{_JOBS}/{job}").json()["state"] != "FULFILLED":
            raise RuntimeError("The benchmarks' server answers with finished jobs only.")
        params = {"pageSize": "1000"}
        while True:
            response = http.get(f"{_JOBS}/{job}/results", params=params)
            yield response
            # The cursor stands behind the records: no need to parse the page a second time for it.
            _, found, cursor = response.content[-200:].partition(b'"cursor":"')
            if not found:
                return
            params["cursor"] = cursor.partition(b'"')[0].decode()
