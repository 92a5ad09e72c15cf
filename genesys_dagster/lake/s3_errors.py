"""S3's refusals in words that say what to change.

One table from error code to sentence, for reading and writing alike. Messages carry the bucket,
the key and the request id, never credentials.
"""

from collections.abc import Mapping

from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)

from genesys_dagster.lake.errors import StorageError

# The action that IAM must allow for each call ("Actions, resources, and condition keys for Amazon S3").
# UploadPart, CreateMultipartUpload and CompleteMultipartUpload are all covered by s3:PutObject.
PERMISSIONS: Mapping[str, str] = {
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "HeadObject": "s3:GetObject",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    # Without s3:ListBucket S3 answers 403 instead of 404 for a key that is not there ("HeadObject", Permissions).
    "GetObject": "s3:GetObject, and s3:ListBucket so that an absent object is not taken for a forbidden one",
}

# Amazon S3 API Reference, "List of error codes". HEAD has no body, so its errors carry only the status.
_REMEDIES: Mapping[str, str] = {
    "NoSuchBucket": (
        "The bucket {bucket!r} does not exist: set GENESYS_S3_BUCKET (or `bucket`) to a bucket that does, or create "
        "it, and check that region and endpoint are the bucket's own"
    ),
    **dict.fromkeys(
        ("AccessDenied", "AllAccessDisabled", "Forbidden", "403"),
        "S3 does not allow {call} on {where}: the credentials need {permission}",
    ),
    **dict.fromkeys(
        ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurity"),
        "S3 does not accept the credentials for {where}: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that "
        "they belong to this endpoint",
    ),
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired"),
        "The AWS session token for {where} is invalid or has expired: renew it (for example `aws sso login`)",
    ),
    **dict.fromkeys(
        ("AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect", "301"),
        "The bucket {bucket!r} lives in another region: set AWS_REGION (or region_name) to the bucket's",
    ),
    **dict.fromkeys(("PreconditionFailed", "412"), "{where} was replaced while it was read: run again"),
}
# An object without bytes has no range (RFC 9110, 15.5.17).
EMPTY = {"InvalidRange", "416"}
PRECONDITION = {"PreconditionFailed", "412"}
ABSENT = {"NoSuchKey", "404", "NotFound"}
UNKNOWN_UPLOAD = {"NoSuchUpload", "404", "NotFound"}
_TRANSIENT = {
    "NoSuchUpload",
    "PreconditionFailed",
    "412",
    "RequestTimeout",
    "SlowDown",
    "Throttling",
    "TooManyRequests",
}


def error_code(error: Exception) -> str:
    """Returns S3's error code, or an empty string if the error is not an answer of S3."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return ""


def refuses_conditions(error: Exception) -> bool:
    """Tell whether a store refuses a request for its condition, which it does not know, rather than for its own sake.

    What stores say then is not standardised; 501 and 400 with these codes are what some are known to answer.
    """
    return error_code(error) in {"NotImplemented", "501", "InvalidArgument", "InvalidRequest", "400"}


def storage_error(error: Exception, *, bucket: str, key: str) -> StorageError:
    """Translates an error of boto3.

    Args:
        error: What boto3 raised.
        bucket: The bucket of the call.
        key: The key of the call.

    Returns:
        The error to raise instead, `permanent` if a retry would meet the same answer.
    """
    if isinstance(error, StorageError):
        return error
    if isinstance(error, ClientError):
        return _refusal(error, bucket, key)
    where = f"s3://{bucket}/{key}"
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        text = (
            f"No complete AWS credentials were found for {where}: set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or run with a role of the machine."
        )
    elif isinstance(error, (CredentialRetrievalError, TokenRetrievalError, SSOError)):
        text = f"The AWS credentials for {where} could not be obtained or renewed: {error}"
    elif isinstance(error, NoRegionError):
        text = f"No AWS region is set for {where}: set AWS_REGION."
    elif isinstance(error, ParamValidationError):
        text = f"S3 cannot take this request for {where}: {error}"
    else:
        text = (
            f"S3 could not be reached for {where}: {error} Check the network and, if you set "
            "one, the endpoint (AWS_ENDPOINT_URL_S3 or endpoint_url of the s3 resource)."
        )
    return StorageError(text, permanent=isinstance(error, _PERMANENT))


_PERMANENT = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
    SSOError,
    NoRegionError,
    ParamValidationError,
)


def _refusal(error: ClientError, bucket: str, key: str) -> StorageError:
    """Translates an answer of S3."""
    code = error_code(error)
    answer = error.response.get("Error", {})
    meta = error.response.get("ResponseMetadata", {})
    status = int(meta.get("HTTPStatusCode", 0))
    call = error.operation_name
    text = _REMEDIES.get(code, "S3 answered {call} on {where} with: {message}").format(
        bucket=bucket,
        call=call,
        message=answer.get("Message") or "an error",
        permission=PERMISSIONS.get(call, f"s3:{call}"),
        where=f"s3://{bucket}/{key}",
    )
    details = [code, f"HTTP {status}" if status else "", f"request {meta.get('RequestId') or 'unknown'}"]
    transient = code in _TRANSIENT or status >= 500 or status == 429
    return StorageError(f"{text} ({', '.join(filter(None, details))}).", permanent=not transient)
