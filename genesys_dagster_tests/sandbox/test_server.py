"""Servers that start and stop, in this process and in another, and the endpoints for control from outside."""

import os
import signal
import socket
import subprocess
import sys
import threading

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.server import S3Server, SandboxServer
from genesys_dagster_tests.sandbox.test_query import INTERVAL, MONDAY


def s3_client(server: S3Server):
    names = {"AWS_ACCESS_KEY_ID": "aws_access_key_id", "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key"}
    keys = {names[name]: value for name, value in server.env().items() if name in names}
    return boto3.client("s3", endpoint_url=server.url, region_name="us-east-1", **keys)


def test_faults_are_switched_from_outside(api, server):
    url = f"{server.url}/sandbox/faults"
    answer = httpx.post(
        url, json={"duplicates": 2, "total_hits_drift": [1, 2], "fail_next": {"count": 1, "kind": "503"}}
    )
    assert answer.json()["total_hits_drift"] == [1, 2]
    assert server.faults.duplicates == 2
    assert [api.http.get("/api/v2/users").status_code for _ in range(2)] == [503, 200]
    assert httpx.post(url, json={"clear": True}).json()["duplicates"] == 0


def test_limits_are_set_from_outside(api, server):
    url = f"{server.url}/sandbox/limits"
    before = {"requests_per_minute": 10_000, "concurrent_jobs": None}
    assert httpx.get(url).json() == before
    assert httpx.post(url, json={"concurrent_jobs": 0}).json() == {**before, "concurrent_jobs": 0}
    jobs = "/api/v2/analytics/conversations/details/jobs"
    assert api.http.post(jobs, json={"interval": INTERVAL}).status_code == 429
    assert httpx.post(url, json=before).json() == before
    assert api.http.post(jobs, json={"interval": INTERVAL}).status_code == 202


@pytest.mark.parametrize(
    "wish",
    [{"earthquakes": 1}, {"concurrent_jobs": "2"}, {"requests_per_minute": None}, {"concurrent_jobs": -1}],
)
def test_unknown_limits_and_values_are_refused(server, wish):
    assert httpx.post(f"{server.url}/sandbox/limits", json=wish).status_code == 400


@pytest.mark.parametrize(
    "switches",
    [{"earthquake": True}, {"fail_next": {"count": 1, "kind": "quake"}}, {"every": {"often": 3}}],
)
def test_unknown_switches_are_refused(server, switches):
    assert httpx.post(f"{server.url}/sandbox/faults", json=switches).status_code == 400


def test_the_truth_is_the_orgs_whatever_the_faults(server):
    server.faults.unknown_fields = True
    server.faults.every(1, "500", path="/")
    answer = httpx.get(f"{server.url}/sandbox/truth", params={"day": MONDAY.isoformat()})
    assert answer.json()["conversations"] == server.org.day(MONDAY)
    assert httpx.get(f"{server.url}/sandbox/truth", params={"day": "monday"}).status_code == 400


def test_requests_are_logged_with_method_path_and_status(api, server):
    server.requests.clear()
    api.query(INTERVAL)
    api.http.get("/api/v2/nothing", params={"a": "b"})
    assert [(r.method, r.path, r.status) for r in server.requests] == [
        ("POST", "/api/v2/analytics/conversations/details/query", 200),
        ("GET", "/api/v2/nothing", 404),
    ]
    assert INTERVAL.encode() in server.requests[0].body
    outside = httpx.get(f"{server.url}/sandbox/requests").json()["requests"]
    assert outside[1] == {"method": "GET", "path": "/api/v2/nothing", "query": "a=b", "status": 404}
    assert httpx.delete(f"{server.url}/sandbox/requests").status_code == 204
    assert not server.requests


def test_the_sandbox_tells_what_it_is(server):
    about = httpx.get(f"{server.url}/sandbox").json()
    assert about["now"] == "2026-11-20T15:00:00.000Z"
    assert about["conversationsPerDay"] == 150


def test_a_stopped_server_answers_no_more_and_leaves_no_thread():
    with SandboxServer(Org(conversations_per_day=10)) as server:
        assert httpx.get(f"{server.url}/sandbox").status_code == 200
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{server.url}/sandbox")
    assert "genesys-sandbox" not in {
        thread.name for thread in threading.enumerate() if thread is server._thread
    }


def test_two_servers_do_not_disturb_each_other(server):
    with SandboxServer(Org(seed=8, conversations_per_day=10)) as other:
        other.faults.every(1, "500")
        assert httpx.get(f"{server.url}/api/v2/users").status_code == 401
        assert other.env()["GENESYSCLOUD_API_URL"] != server.url


def test_a_taken_port_is_an_error_that_names_it():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=str(port)):
            SandboxServer(Org(conversations_per_day=10), port=port).start()
        with pytest.raises(OSError, match=str(port)):
            S3Server(port=port).start()


def test_the_s3_server_has_its_bucket_and_starts_empty_again():
    with S3Server("first-bucket") as server:
        client = s3_client(server)
        client.put_object(Bucket="first-bucket", Key="a", Body=b"1")
        assert client.get_object(Bucket="first-bucket", Key="a")["Body"].read() == b"1"
    with S3Server("second-bucket") as server:
        client = s3_client(server)
        assert "Contents" not in client.list_objects_v2(Bucket="second-bucket")
        with pytest.raises(ClientError, match="NoSuchBucket"):
            client.list_objects_v2(Bucket="first-bucket")


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_module_serves_in_its_own_process_until_told_to_stop(ending):
    with_s3 = ending == signal.SIGTERM
    arguments = ["--conversations-per-day", "20", "--seed", "3"]
    arguments += ["--s3-port", "0", "--bucket", "lake"] if with_s3 else []
    process = subprocess.Popen(
        [sys.executable, "-m", "genesys_dagster.sandbox", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        variables = dict(process.stdout.readline().strip().split("=", 1) for _ in range(10 if with_s3 else 4))
        assert httpx.get(f"{variables['GENESYSCLOUD_API_URL']}/sandbox").json()["seed"] == 3
        if with_s3:
            assert variables["GENESYS_S3_BUCKET"] == "lake"
            assert httpx.get(variables["AWS_ENDPOINT_URL_S3"]).status_code == 200
        process.send_signal(ending)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
