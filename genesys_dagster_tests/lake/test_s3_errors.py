"""What S3 and boto3 say, in words that say what to change, and whether a retry helps."""

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSLError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from genesys_dagster.lake.s3_errors import storage_error

IDENTITY = "User: arn:aws:sts::123456789012:assumed-role/exporter/1 is not authorized to perform: "
KEY_DENIED = (
    IDENTITY + "kms:GenerateDataKey on resource: arn:aws:kms:eu-central-1:123456789012:key/1 "
    "because no identity-based policy allows the kms:GenerateDataKey action"
)
EXPLICIT = (
    IDENTITY
    + 's3:PutObject on resource: "arn:aws:s3:::lake/a" with an explicit deny in a resource-based policy'
)
TAGGING = IDENTITY + "s3:PutObjectTagging because no identity-based policy allows the action"


def refusal(code, status, operation="PutObject", message="the store's own words"):
    answer = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "R1"},
    }
    return storage_error(ClientError(answer, operation), bucket="lake", key="a/b")


@pytest.mark.parametrize(
    ("code", "status", "operation", "words", "permanent"),
    [
        ("NoSuchBucket", 404, "PutObject", "'lake' does not exist", True),
        ("InvalidBucketName", 400, "PutObject", "GENESYS_S3_BUCKET", True),
        ("AccessDenied", 403, "CreateMultipartUpload", "need s3:PutObject", True),
        ("AccessDenied", 403, "AbortMultipartUpload", "need s3:AbortMultipartUpload", True),
        ("AccessDenied", 403, "GetObject", "need s3:GetObject, and s3:ListBucket", True),
        ("403", 403, "HeadObject", "need s3:GetObject", True),
        ("InvalidAccessKeyId", 403, "PutObject", "does not accept the credentials", True),
        ("SignatureDoesNotMatch", 403, "PutObject", "AWS_SECRET_ACCESS_KEY", True),
        ("RequestTimeTooSkewed", 403, "PutObject", "clock", True),
        ("ExpiredToken", 400, "UploadPart", "has expired", True),
        ("PermanentRedirect", 301, "PutObject", "another region", True),
        ("EntityTooSmall", 400, "CompleteMultipartUpload", "part_size", True),
        ("InvalidObjectState", 403, "GetObject", "restore-object", True),
        ("NotImplemented", 501, "UploadPart", "AWS_REQUEST_CHECKSUM_CALCULATION=when_required", True),
        ("XAmzContentSHA256Mismatch", 400, "PutObject", "AWS_RESPONSE_CHECKSUM_VALIDATION", True),
        ("KMS.DisabledException", 400, "PutObject", "kms:GenerateDataKey and kms:Decrypt", True),
        ("Unheard", 400, "PutObject", "S3 answered PutObject", True),
        ("BadDigest", 400, "UploadPart", "Other bytes than were sent", False),
        ("SlowDown", 503, "UploadPart", "fewer requests", False),
        ("SlowDown", 200, "CompleteMultipartUpload", "fewer requests", False),
        ("InternalError", 200, "CompleteMultipartUpload", "S3 answered CompleteMultipartUpload", False),
        ("InternalError", 500, "UploadPart", "words (InternalError, HTTP 500, request R1)", False),
        ("NoSuchUpload", 404, "UploadPart", "ended the upload", False),
        ("PreconditionFailed", 412, "GetObject", "was replaced while it was read", False),
        ("PreconditionFailed", 412, "CompleteMultipartUpload", "another writer was faster", False),
        ("ConditionalRequestConflict", 409, "PutObject", "another writer was faster", False),
        ("AccessDenied", 403, "AssumeRoleWithWebIdentity", "AWS_ROLE_ARN", True),
        ("ExpiredTokenException", 400, "AssumeRoleWithWebIdentity", "trust policy", True),
        ("ForbiddenException", 403, "GetRoleCredentials", "aws sso login", True),
    ],
)
def test_a_refusal_says_what_to_change_and_whether_a_retry_helps(code, status, operation, words, permanent):
    error = refusal(code, status, operation)
    assert words in str(error)
    assert "the store's own words" in str(error)
    assert "request R1" in str(error)
    assert "need s3:AssumeRole" not in str(error)
    assert error.permanent is permanent


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (KEY_DENIED, "Allow the credentials kms:GenerateDataKey and kms:Decrypt"),
        (EXPLICIT, "A resource-based policy denies it explicitly"),
        (KEY_DENIED + " with an explicit deny", "A policy denies it explicitly"),
        (TAGGING, "The credentials need s3:PutObjectTagging"),
        ("Access Denied", "The credentials need s3:PutObject."),
        ("", "The credentials need s3:PutObject."),
    ],
)
def test_a_denial_is_cured_as_its_sentence_says(message, words):
    text = str(refusal("AccessDenied", 403, message=message))
    assert words in text
    assert message in text
    assert ("need s3:PutObject." in text) == ("need s3:PutObject." in words)


@pytest.mark.parametrize("message", ["x-amz-content-sha256 must be UNSIGNED-PAYLOAD", "Unknown checksum"])
def test_an_argument_that_only_checksums_use_names_their_variable(message):
    assert "AWS_REQUEST_CHECKSUM_CALCULATION" in str(refusal("InvalidArgument", 400, message=message))
    assert "AWS_REQUEST_CHECKSUM_CALCULATION" not in str(refusal("InvalidArgument", 400))


@pytest.mark.parametrize(
    ("error", "words", "permanent"),
    [
        (NoCredentialsError(), "AWS_ACCESS_KEY_ID", True),
        (PartialCredentialsError(provider="env", cred_var="x"), "AWS_SECRET_ACCESS_KEY", True),
        (NoRegionError(), "AWS_REGION", True),
        (ProfileNotFound(profile="nobody"), "(nobody) could not be found: set AWS_PROFILE", True),
        (TokenRetrievalError(provider="sso", error_msg="Token has expired"), "Token has expired", True),
        (CredentialRetrievalError(provider="custom-process", error_msg="exit 2"), "credential_process", True),
        (FileNotFoundError(2, "No such file", "/run/token"), "/run/token cannot be read", True),
        (ParamValidationError(report="Invalid bucket name"), "Invalid bucket name", True),
        (ValueError("Invalid endpoint: x"), "AWS_ENDPOINT_URL_S3", True),
        (EndpointConnectionError(endpoint_url="http://x"), "AWS_ENDPOINT_URL_S3", False),
        (ReadTimeoutError(endpoint_url="http://x"), "S3 does not answer", False),
        (ConnectTimeoutError(endpoint_url="http://x"), "S3 does not answer", False),
        (SSLError(endpoint_url="https://x", error="CERTIFICATE_VERIFY_FAILED"), "AWS_CA_BUNDLE", True),
        (SSLError(endpoint_url="https://x", error="EOF"), "could not be reached", False),
        (ResponseParserError("invalid XML: <html>"), "is not S3", False),
        (ConnectionResetError("reset"), "could not be reached", False),
    ],
)
def test_what_boto_cannot_send_says_what_to_change(error, words, permanent):
    translated = storage_error(error, bucket="lake", key="a/b")
    assert words in str(translated)
    assert "<html>" not in str(translated)
    assert translated.permanent is permanent


@pytest.mark.parametrize("error", [EndpointConnectionError, ReadTimeoutError, ConnectTimeoutError])
def test_the_user_of_an_address_is_not_repeated(error):
    text = str(storage_error(error(endpoint_url="http://me:secret@host:9000/lake"), bucket="b", key="k"))
    assert "secret" not in text
    assert "host:9000" in text
