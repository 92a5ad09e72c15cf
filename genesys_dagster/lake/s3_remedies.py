"""What to change when S3 refuses, by error code: the table that `s3_errors` reads."""

import re
from collections.abc import Mapping
from typing import NamedTuple

# The action that IAM must allow for each call ("Actions, resources, and condition keys for Amazon S3").
# UploadPart, CreateMultipartUpload and CompleteMultipartUpload are all covered by s3:PutObject, and so are the headers
# of conditional writes; with If-Match they need s3:GetObject besides ("Adding conditional writes", Permissions).
PERMISSIONS: Mapping[str, str] = {
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "ListParts": "s3:ListMultipartUploadParts",
    # Without s3:ListBucket S3 answers 403 instead of 404 for a key that is not there ("HeadObject", Permissions).
    "HeadObject": "s3:GetObject, and s3:ListBucket so that an absent object is not taken for a forbidden one",
    "GetObject": "s3:GetObject, and s3:ListBucket so that an absent object is not taken for a forbidden one",
    "ListObjectsV2": "s3:ListBucket",
}


class Remedy(NamedTuple):
    """Words for an answer; `{call}`, `{where}`, `{bucket}` and `{permission}` are filled in.

    Attributes:
        problem: What happened; S3's own sentence follows it.
        advice: What to change; may be empty.
    """

    problem: str
    advice: str = ""


ACCESS_DENIED = Remedy("S3 does not allow {call} on {where}", "The credentials need {permission}")
_KEYS = Remedy(
    "S3 does not accept the credentials for {where}",
    "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that they belong to this endpoint",
)
_EXPIRED = Remedy(
    "The AWS session token for {where} is invalid or has expired", "Renew it (for example aws sso login)"
)
_REGION = Remedy(
    "The bucket {bucket!r} lives in another region", "Set AWS_REGION (or region_name) to the bucket's"
)
_REPLACED = Remedy("{where} was replaced while it was read", "Run again")
_FASTER = Remedy(
    "{where} was not written, because another writer was faster",
    "Run again: what the other wrote stays until then",
)
_SLOWER = Remedy(
    "S3 asks for fewer requests at {call} on {where}",
    "Run again later; lower max_parts_in_flight if it stays so",
)

# Amazon S3 API Reference, "List of error codes". HEAD has no body, so its errors carry only the status.
REMEDIES: Mapping[str, Remedy] = {
    "NoSuchBucket": Remedy(
        "The bucket {bucket!r} does not exist",
        "Set GENESYS_S3_BUCKET (or `bucket`) to a bucket that does, or create it, and check that region and endpoint "
        "are the bucket's own",
    ),
    "InvalidBucketName": Remedy(
        "{bucket!r} is not the name of a bucket", "Set GENESYS_S3_BUCKET (or `bucket`) to the name alone"
    ),
    **dict.fromkeys(("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurity"), _KEYS),
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired"), _EXPIRED
    ),
    **dict.fromkeys(
        ("AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect", "301"),
        _REGION,
    ),
    "RequestTimeTooSkewed": Remedy(
        "S3 does not accept the time of {call} on {where}", "Set this machine's clock (NTP)"
    ),
    **dict.fromkeys(("PreconditionFailed", "412"), _REPLACED),
    **dict.fromkeys(("ConditionalRequestConflict", "OperationAborted"), _FASTER),
    "InvalidObjectState": Remedy(
        "{where} lies in an archive storage class and cannot be read",
        "Restore it (aws s3api restore-object), and leave the lake's prefix out of the lifecycle rule or the "
        "Intelligent-Tiering archive that moved it (GLACIER, DEEP_ARCHIVE)",
    ),
    "EntityTooSmall": Remedy(
        "The store wants larger parts at {call} on {where}", "Raise part_size of the IO manager"
    ),
    "EntityTooLarge": Remedy(
        "The store takes no object or part of this size at {call} on {where}",
        "Lower part_size of the IO manager, or raise the store's limit",
    ),
    **dict.fromkeys(
        ("BadDigest", "InvalidDigest"), Remedy("Other bytes than were sent reached {where}", "Run again")
    ),
    "NoSuchUpload": Remedy(
        "Somebody ended the upload of {where} before it was complete",
        "Run again; a lifecycle rule that aborts incomplete uploads must leave them a day",
    ),
    **dict.fromkeys(("SlowDown", "TooManyRequests", "Throttling", "ThrottlingException"), _SLOWER),
    "503": _SLOWER,
}

DENIED = {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "Forbidden", "403"}

TRANSIENT = {
    "NoSuchUpload",
    "PreconditionFailed",
    "412",
    "ConditionalRequestConflict",
    "OperationAborted",
    "BadDigest",
    "RequestTimeout",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    # An error in the body of an answer with status 200 ("CompleteMultipartUpload", "CopyObject").
    "InternalError",
    "ServiceUnavailable",
}

KMS = Remedy(
    "S3 may not use the bucket's KMS key for {call} on {where}",
    "Allow the credentials kms:GenerateDataKey and kms:Decrypt on that key, in their policy and in the key's, and check "
    "that the key is enabled",
)

_TRAILERS = Remedy(
    "The store does not know something that {call} on {where} asks for",
    "boto3 sends checksums behind the body, which older S3-compatible stores do not know: set "
    "AWS_REQUEST_CHECKSUM_CALCULATION=when_required and AWS_RESPONSE_CHECKSUM_VALIDATION=when_required",
)
# boto3 1.36 and later (aws/aws-sdk-go-v2 discussion 2960, boto3 issue 4392). Stores refuse the trailers by these codes.
UNKNOWN_TRAILERS: Mapping[str, Remedy] = dict.fromkeys(
    ("NotImplemented", "501", "XAmzContentSHA256Mismatch", "MissingContentLength", "411"), _TRAILERS
)
CHECKSUMS = re.compile(r"content-sha256|checksum|trailer|aws-chunked", re.IGNORECASE)

_ROLE = Remedy(
    "AWS does not give the credentials for {where} ({call})",
    "Check AWS_ROLE_ARN (or role_arn in ~/.aws/config), the role's trust policy, and that the token or login it is "
    "asked with is valid",
)
_SSO = Remedy(
    "AWS does not give the credentials for {where} ({call})",
    "Log in again (aws sso login), and check account and role of the profile",
)
# Calls of other services on the way to credentials (AWS STS, IAM Identity Center, sign-in).
CREDENTIAL_CALLS: Mapping[str, Remedy] = {
    **dict.fromkeys(
        (
            "AssumeRole",
            "AssumeRoleWithWebIdentity",
            "AssumeRoleWithSAML",
            "GetSessionToken",
            "GetCallerIdentity",
        ),
        _ROLE,
    ),
    **dict.fromkeys(("GetRoleCredentials", "CreateToken", "CreateOAuth2Token"), _SSO),
}
