"""What a host that has OpenTelemetry is told: the instruments, and when their numbers are sent.

Off unless the standard variable OTEL_METRICS_EXPORTER names an exporter, or the host has set up OpenTelemetry in this
process itself. While it is off, nothing of it is imported. Attributes are of fixed sets: nothing that tells of a person, a
conversation or a secret, and no day.
"""

import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from genesys_dagster import environment

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

Reason = Literal["rate_limit", "retry_after", "backoff", "job", "job_limit"]
"""Why something waits: for the rate limit, as long as the server asked, before a repeat, for a bulk job to be done, and for
leave to submit one."""

_log = logging.getLogger(__name__)
_API = "opentelemetry.metrics"
_BUCKETS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)  # s; the SDK's own are made for milliseconds
_SLOW = 2.0  # s; a flush that takes longer waits for a collector that does not answer
_LEFT_ALONE = 60.0  # s


class Instruments:
    """What is measured, made once by a meter. Names, units and meanings are those of docs/operations.md.

    Args:
        meter: Of the host's provider.
    """

    def __init__(self, meter: "Meter") -> None:
        counter, gauge = meter.create_counter, meter.create_gauge
        self.requests = counter("genesys.requests", "{request}", "Requests to Genesys Cloud")
        self.retries = counter("genesys.retries", "{retry}", "Requests that repeated others")
        self.received = counter("genesys.received", "By", "Bytes of answers as they came")
        self.waits = meter.create_histogram(
            "genesys.wait.duration", "s", "Waits by reason", explicit_bucket_boundaries_advisory=_BUCKETS
        )
        self.watermark = gauge("genesys.watermark.age", "s", "How old the end of what bulk jobs hold is")
        self.lag = gauge(
            "genesys.lake.lag",
            "s",
            "From the first day that is not in the lake, else the next, to the watermark",
        )
        self.rows = counter("genesys.lake.rows", "{row}", "Rows written")
        self.written = counter("genesys.lake.written", "By", "Bytes of objects written")
        self.exports = meter.create_histogram(
            "genesys.export.duration",
            "s",
            "From the first row of an object to its commit",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )


_lock = threading.Lock()
_made: Instruments | None = None
_is_broken = False
_not_before = 0.0


def request(endpoint: str, status: int | None, size: int) -> None:
    """Tell of a request.

    Args:
        endpoint: Template of its path.
        status: Of the answer; None if there was none.
        size: Bytes of the answer.
    """
    if it := _instruments():
        it.requests.add(1, _attributes(endpoint, status))
        it.received.add(size, {"url.template": endpoint})


def retry(endpoint: str, status: int | None) -> None:
    """Tell of a repeat: arguments of the attempt that failed, as of `request`."""
    if it := _instruments():
        it.retries.add(1, _attributes(endpoint, status))


def wait(reason: Reason, seconds: float) -> None:
    """Tell of a wait that begins."""
    if it := _instruments():
        it.waits.record(seconds, {"genesys.wait.reason": reason})


def watermark(details: str, age: float) -> None:
    """Tell how many seconds ago that was up to which bulk jobs hold everything, for a family of details."""
    if it := _instruments():
        it.watermark.set(age, {"genesys.details": details})


def lag(org: str, details: str, seconds: float) -> None:
    """Tell how many seconds of what bulk jobs hold are not in the lake, for an org's family of details."""
    if it := _instruments():
        it.lag.set(seconds, {"genesys.org": org, "genesys.details": details})


def written(asset: str, *, rows: int, size: int, seconds: float) -> None:
    """Tell of an object that was committed: of which asset, how large, how long it took."""
    if it := _instruments():
        of_asset = {"dagster.asset": asset}
        it.rows.add(rows, of_asset)
        it.written.add(size, of_asset)
        it.exports.record(seconds, of_asset)


def flush() -> None:
    """Send what was counted: a run's process may end before its exporter's next time, or without saying goodbye."""
    global _not_before  # noqa: PLW0603 - of the process
    if not _instruments() or time.monotonic() < _not_before:
        return
    from opentelemetry import metrics

    force_flush = getattr(metrics.get_meter_provider(), "force_flush", None)
    if force_flush is None:  # set up by nobody, or by something that is not the SDK
        return
    began = time.monotonic()
    try:
        force_flush()
    except Exception as error:  # noqa: BLE001 - an export is not to fail for want of its numbers
        _log.warning("OpenTelemetry's numbers were not sent: %s", error)
    if time.monotonic() - began > _SLOW:
        _not_before = time.monotonic() + _LEFT_ALONE


@contextmanager
def flushed() -> Iterator[None]:
    """Flush at the end of a block, however it ends."""
    try:
        yield
    finally:
        flush()


def status_class(status: int | None) -> str:
    """The class of a status, 429 by itself; `none` without an answer, `other` for what is no status."""
    if status is None or status == 429:
        return "none" if status is None else "429"
    return f"{status // 100}xx" if 100 <= status < 600 else "other"


def _attributes(endpoint: str, status: int | None) -> dict[str, str]:
    return {"url.template": endpoint, "genesys.status_class": status_class(status)}


def _instruments() -> Instruments | None:
    """The instruments; None while it is off."""
    global _made, _is_broken  # noqa: PLW0603 - of the process
    if _made or _is_broken or not (_API in sys.modules or environment.exports_metrics()):
        return _made
    with _lock:
        if not (_made or _is_broken):
            try:
                _made = _make()
            except Exception as error:  # noqa: BLE001 - of any exporter; an export is not to fail for it
                _is_broken = True
                _log.warning(
                    "%s is set, but no metrics are exported: %s (pip install 'genesys-dagster[otel]')",
                    environment.METRICS_EXPORTER,
                    error,
                )
    return _made


def _make() -> Instruments:
    from opentelemetry import metrics

    # Only the SDK's provider can be flushed: without one, nobody has set it up yet.
    if environment.exports_metrics() and not hasattr(metrics.get_meter_provider(), "force_flush"):
        # How a distribution sets the SDK up by OTEL_* variables (OpenTelemetry docs, "OpenTelemetry Distro").
        from opentelemetry.sdk._configuration import _OTelSDKConfigurator

        configurator: Any = type("Configurator", (_OTelSDKConfigurator,), {})
        configurator().configure()
    return Instruments(metrics.get_meter("genesys_dagster"))
