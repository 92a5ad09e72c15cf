"""A host that has OpenTelemetry gets the numbers of an export, and nothing else; one that has not pays nothing."""

import itertools
import json
import re
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys_dagster import telemetry
from genesys_dagster.genesys.endpoints import ENDPOINTS, OTHER, endpoint
from genesys_dagster_tests.conftest import DAY

# A run's process that ends without saying goodbye: what was not flushed is lost.
RUN = """
import json, os, sys
import dagster as dg
from genesys_dagster.assets.user_status import user_status
from genesys_dagster_tests.default_org import ORG, TABLES, conversation_details
result = dg.materialize(
    [conversation_details, user_status(ORG), TABLES[0]],
    partition_key=sys.argv[1],
    resources=ORG.definitions().resources,
    raise_on_error=False,
)
said = {
    event.asset_key.to_user_string(): {
        name: value.value
        for name, value in event.materialization.metadata.items()
        if isinstance(value.value, int | float)
    }
    for event in result.get_asset_materialization_events()
}
print(json.dumps({"success": result.success, "said": said}), flush=True)
os._exit(0)
"""
CLASSES = {"none", "1xx", "2xx", "3xx", "4xx", "429", "5xx", "other"}


class Collector(ThreadingHTTPServer):
    """Takes metrics over OTLP/HTTP; `bodies` are what was sent."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies = []

    @property
    def metrics(self):
        """What each instrument has come to: name to (its unit, attributes to number); counts are of the whole process."""
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

        (resource,) = ExportMetricsServiceRequest.FromString(self.bodies[-1]).resource_metrics
        assert {"service.name", "service.instance.id"} <= {each.key for each in resource.resource.attributes}
        return {
            metric.name: (metric.unit, {_attributes(point): _number(point) for point in _points(metric)})
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


def _points(metric):
    return getattr(metric, metric.WhichOneof("data")).data_points


def _attributes(point):
    return tuple(sorted((each.key, each.value.string_value) for each in point.attributes))


def _number(point):
    return point.sum if hasattr(point, "bucket_counts") else getattr(point, point.WhichOneof("value"))


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.path == "/v1/metrics"
        self.server.bodies.append(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def collector():
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_collector_gets_the_numbers_of_the_metadata_and_nothing_personal(environment, collector, sandbox):
    sandbox.settings.job_delay = 0.1
    sandbox.settings.faults.fail_next(
        1, "429", path="/api/v2/analytics/conversations/details/jobs/availability"
    )
    sandbox.settings.faults.fail_next(1, "503", path="/api/v2/analytics/users/details/jobs/availability")
    for name, value in otlp(collector.server_port).items():
        environment.setenv(name, value)
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(DAY)],
        check=False,
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["success"], done.stderr
    said, metrics = result["said"], collector.metrics
    pulls = said["conversation_details"], said["user_presence"]

    unit, requests = metrics["genesys.requests"]
    assert unit == "{request}"
    asked = [request for request in sandbox.requests if request.path.startswith("/api/")]
    assert sum(requests.values()) == len(asked) == sum(pull["api_requests"] for pull in pulls)
    assert by(requests, "genesys.status_class") == {"2xx": len(asked) - 2, "429": 1, "5xx": 1}
    assert by(requests, "url.template") == Counter(template_of(request.path) for request in asked)
    assert sum(metrics["genesys.retries"][1].values()) == sum(pull["api_retries"] for pull in pulls) == 2
    assert metrics["genesys.received"][0] == "By"

    unit, waits = metrics["genesys.wait.duration"]
    waits = by(waits, "genesys.wait.reason")
    assert unit == "s"
    assert waits.keys() == {"retry_after", "backoff", "job"}
    assert waits["retry_after"] >= 1

    for name, key in {
        "genesys.lake.rows": "dagster/partition_row_count",
        "genesys.lake.written": "bytes_written",
        "genesys.export.duration": "duration",
    }.items():
        told = by(metrics[name][1], "dagster.asset")
        assert told == {asset: pytest.approx(of[key], abs=1e-3) for asset, of in said.items()}
    ages = by(metrics["genesys.watermark.age"][1], "genesys.details")
    assert ages.keys() == {"conversations", "users"}

    sent = b"".join(collector.bodies).decode("latin-1")
    instances = set(re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", sent))
    assert len(instances) == 1  # service.instance.id
    for secret in (sandbox.settings.client_id, sandbox.settings.client_secret, str(DAY), sandbox.url):
        assert secret not in sent


@pytest.fixture
def not_set_up(monkeypatch):
    """As in a process that has just begun."""
    for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    for name, value in {"_made": None, "_is_broken": False, "_not_before": 0.0}.items():
        monkeypatch.setattr(telemetry, name, value)
    return monkeypatch


@pytest.mark.parametrize(
    "variables",
    [{}, {"OTEL_METRICS_EXPORTER": "none"}, {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}],
)
def test_while_it_is_off_nothing_is_imported(not_set_up, variables):
    for name, value in variables.items():
        not_set_up.setenv(name, value)
    tell_everything()
    assert not [name for name in sys.modules if name.startswith("opentelemetry")]


@pytest.mark.parametrize("exporter", ["otlp", "nonsense"])
def test_what_cannot_be_set_up_is_said_once_and_hurts_nobody(not_set_up, caplog, exporter):
    not_set_up.setenv("OTEL_METRICS_EXPORTER", exporter)
    not_set_up.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier pigeon")
    tell_everything()
    tell_everything()
    (record,) = caplog.records
    assert "OTEL_METRICS_EXPORTER is set, but no metrics are exported" in record.message


@pytest.fixture
def host(not_set_up):
    """A host that has set up OpenTelemetry itself; what it is told."""
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    not_set_up.setattr(metrics, "get_meter_provider", lambda: provider)
    not_set_up.setattr(metrics, "get_meter", provider.get_meter)
    yield provider, reader
    provider.shutdown()


def test_a_host_that_has_set_it_up_itself_is_told_without_the_variable(host):
    tell_everything()
    assert {metric.name for metric in metrics_of(host[1])} == {
        "genesys.requests", "genesys.retries", "genesys.received", "genesys.wait.duration", "genesys.watermark.age",
        "genesys.lake.lag", "genesys.lake.rows", "genesys.lake.written", "genesys.export.duration",
    }  # fmt: skip


@pytest.mark.parametrize(("seconds", "flushes"), [(0.0, 2), (5.0, 1)])
def test_a_collector_that_does_not_answer_is_not_waited_for_again_and_again(host, seconds, flushes):
    provider, _ = host
    tried = []
    ticks = itertools.count(1000.0, seconds)
    host_clock = type("Clock", (), {"monotonic": lambda: next(ticks)})

    def force_flush():
        tried.append(True)
        raise TimeoutError

    provider.force_flush = force_flush
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(telemetry, "time", host_clock)
        telemetry.flush()
        telemetry.flush()
    assert len(tried) == flushes


PATHS = st.one_of(
    st.text(),
    st.lists(st.sampled_from(["api", "v2", "analytics", "conversations", "users", "details", "jobs", "results", "query"]))
    .map("/".join)
    .map("/{}".format),
    st.builds(
        "/api/v2/analytics/{}/details/jobs/{}{}".format,
        st.sampled_from(["conversations", "users"]),
        st.one_of(st.text(), st.uuids().map(str)),
        st.sampled_from(["", "/results", "/availability", "/"]),
    ),
    st.builds("/api/v2/users/{}".format, st.uuids()),
)  # fmt: skip


@given(path=PATHS, status=st.none() | st.integers())
def test_attributes_are_of_fixed_sets_whatever_is_asked_and_answered(path, status):
    assert endpoint(path) in ENDPOINTS
    assert telemetry.status_class(status) in CLASSES
    assert len(ENDPOINTS) < 30


@given(job=st.uuids().map(str))
def test_the_id_of_a_job_is_not_told(job):
    for family in ("conversations", "users"):
        path = f"/api/v2/analytics/{family}/details/jobs/{job}"
        assert endpoint(path) == path.replace(job, "{jobId}")
        assert endpoint(f"{path}/results") == f"{path}/results".replace(job, "{jobId}")
    assert endpoint(f"/api/v2/users/{job}") == OTHER


def tell_everything():
    telemetry.request("other", 200, 10)
    telemetry.retry("other", None)
    telemetry.wait("backoff", 1.0)
    telemetry.watermark("users", 1.0)
    telemetry.lag("", "users", 1.0)
    telemetry.written("users", rows=1, size=2, seconds=3.0)
    telemetry.flush()


def metrics_of(reader):
    (resource,) = reader.get_metrics_data().resource_metrics
    return [metric for scope in resource.scope_metrics for metric in scope.metrics]


def otlp(port):
    return {
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
    }


def by(points, name):
    """The numbers added up by one attribute."""
    sums = Counter()
    for attributes, number in points.items():
        sums[dict(attributes)[name]] += number
    return sums


def template_of(path):
    return re.sub(r"(?<=/jobs/)(?!availability)[^/]+", "{jobId}", path)
