"""The lake's S3 client: the one that the `s3` resource makes, its settings untouched, with an end to waiting.

Time-outs and attempts stay what the resource and the AWS settings say. But a store that takes requests and answers
none costs a time-out for each attempt, a minute each by botocore's default: six attempts made six minutes of one
call, and half an hour of a part with its four aborts. So a call that failed is not sent again once `PATIENCE` is over:

    a call of a silent store       2 attempts of 60 s                                    2 min
    its abort                      1 attempt of 60 s, and no second abort                1 min
    one attempt of a step          the first call that fails, parts in flight beside
                                   it (at most 2 min more), and the abort                3 to 5 min

Answers that ask for time (503, 500) and connections that break at once use up the attempts as before: those are quick.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from genesys_dagster.lake.s3_errors import client_error

if TYPE_CHECKING:
    from dagster_aws.s3 import S3Resource
    from types_boto3_s3.client import S3Client

logger = logging.getLogger(__name__)

# Seconds after which a call is not sent again. Two of botocore's time-outs: one lost answer may happen to anybody.
PATIENCE = 100.0
# Of calls that only clean up: what they leave behind is found by housekeeping.
SHORT_PATIENCE = 5.0
# Failures that took less are no silence, and are not told before they are final.
_SILENCE = 5.0
_TIDYING = {"AbortMultipartUpload", "DeleteObject"}
_BEGUN = "genesys_dagster_begun"


def lake_client(s3: "S3Resource | S3Client", options: Mapping[str, Any] | None = None) -> "S3Client":
    """Returns the S3 client of a resource.

    Args:
        s3: The resource; or the client that Dagster gives in its place when the resource is configured at launch.
        options: Upload options; those that other calls take as well, such as a customer's key, go with them.

    Raises:
        StorageError: The client cannot be made, such as for a profile that does not exist; permanent.
    """
    try:
        client: S3Client = s3.get_client() if hasattr(s3, "get_client") else s3
    except (BotoCoreError, ClientError, ValueError, OSError) as error:
        raise client_error(error) from None
    return bounded(client if not options else _with_options(client, options))


def _with_options(client: "S3Client", options: Mapping[str, Any]) -> "S3Client":
    def fill(params: dict[str, Any], model: Any, **_: object) -> None:
        if model.name in _TAKEN:
            params.update({**options_for(model.name, options), **params})

    client.meta.events.register("provide-client-params.s3", fill, unique_id="genesys-dagster-options")
    return client


def bounded(client: "S3Client", clock: Callable[[], float] = time.monotonic) -> "S3Client":
    """Gives a client an end to waiting, once however often it is asked to; returns the same client.

    Args:
        client: A boto3 S3 client.
        clock: Seconds of any epoch.
    """

    def begin(params: Mapping[str, Any], **_: object) -> None:
        params["context"][_BEGUN] = clock()

    def after_attempt(
        operation: Any, caught_exception: Exception | None, request_dict: Mapping[str, Any], **_: object
    ) -> None:
        begun = request_dict["context"].get(_BEGUN)
        if caught_exception is None or begun is None:
            return
        waited = clock() - begun
        patience = SHORT_PATIENCE if operation.name in _TIDYING else PATIENCE
        if waited >= patience:
            raise caught_exception  # instead of an answer of botocore's own handler, which comes after this one
        if waited >= _SILENCE:
            logger.warning(
                "S3 has not answered %s for %.0f s (%s); it is asked again.",
                operation.name,
                waited,
                type(caught_exception).__name__,
            )

    events = client.meta.events
    events.register("before-call.s3", begin, unique_id="genesys-dagster-begin")
    events.register_first("needs-retry.s3", after_attempt, unique_id="genesys-dagster-patience")
    return client


# Arguments of the API by call, beyond bucket, key and body ("PutObject", "CreateMultipartUpload", "UploadPart" ... in the
# Amazon S3 API Reference): who pays, whose bucket it must be, and a key that the customer keeps go with every request.
_EVERYWHERE = {"ExpectedBucketOwner", "RequestPayer"}
_CUSTOMER_KEY = {"SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"}
_TAKEN: Mapping[str, set[str]] = {
    "UploadPart": _EVERYWHERE | _CUSTOMER_KEY,
    "CompleteMultipartUpload": _EVERYWHERE | _CUSTOMER_KEY,
    "ListParts": _EVERYWHERE | _CUSTOMER_KEY,
    "HeadObject": _EVERYWHERE | _CUSTOMER_KEY,
    "GetObject": _EVERYWHERE | _CUSTOMER_KEY,
    "AbortMultipartUpload": _EVERYWHERE,
    "DeleteObject": _EVERYWHERE,
    "ListMultipartUploads": _EVERYWHERE,
}


def options_for(call: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns those of the upload options that a call takes.

    Args:
        call: Name of the API's call, such as `UploadPart`.
        options: Arguments of PutObject and CreateMultipartUpload.
    """
    if call in {"PutObject", "CreateMultipartUpload"}:
        return dict(options)
    return {name: value for name, value in options.items() if name in _TAKEN[call]}
