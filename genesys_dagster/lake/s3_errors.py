"""S3's refusals in words that say what to change: what happened, S3's own sentence, and a remedy that fits it.

One table from error code to words (`s3_remedies`), for reading and writing alike. Messages carry the bucket, the key
and the request id, never credentials, and of an address never the part before its @.
"""

import re

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from genesys_dagster.lake.errors import StorageError
from genesys_dagster.lake.s3_remedies import (
    ACCESS_DENIED,
    CHECKSUMS,
    CREDENTIAL_CALLS,
    DENIED,
    KMS,
    PERMISSIONS,
    REMEDIES,
    TRANSIENT,
    UNKNOWN_TRAILERS,
    Remedy,
)
from genesys_dagster.lake.s3_unanswered import unanswered

# An object without bytes has no range (RFC 9110, 15.5.17).
EMPTY = {"InvalidRange", "416"}
ABSENT = {"NoSuchKey", "404", "NotFound"}
UNKNOWN_UPLOAD = {"NoSuchUpload", "404", "NotFound"}
# The condition does not hold: another writer was faster. 409 comes while that one is still at it (Amazon S3 User Guide,
# "How to prevent object overwrites with conditional writes").
PRECONDITION = {"PreconditionFailed", "412", "ConditionalRequestConflict"}

# All that a call of boto3 raises by itself; the parser's error, of an answer that is no XML, is none of BotoCoreError.
S3_ERRORS = (ClientError, BotoCoreError, ResponseParserError, OSError)

_USER = re.compile(r"(?<=://)[^/\s'\"]+@")
_NOT_AUTHORIZED = re.compile(r"not authorized to perform: ([\w-]+:\w+)")
_EXPLICIT = re.compile(r"explicit deny(?: in (?:an? |the )?([\w-]+(?: [\w-]+)*? policy))?")


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
        The error to raise instead, `permanent` if a retry would meet the same answer. Raise it `from None` where its
        causes are shown: boto3's own text may hold the user of an address.
    """
    if isinstance(error, StorageError):
        return error
    where = f"s3://{bucket}/{key}"
    if isinstance(error, ClientError):
        return _refusal(error, bucket, where)
    text, permanent = unanswered(error, where)
    return StorageError(without_user(text), permanent=permanent)


def client_error(error: Exception) -> StorageError:
    """Translates why no S3 client can be made, as `storage_error`; always permanent."""
    if isinstance(error, ClientError):
        return StorageError(str(_refusal(error, "", "S3")), permanent=True)
    text, permanent = unanswered(error, "S3")
    if not permanent:
        text = f"The S3 client cannot be made: {error} Check AWS_ENDPOINT_URL_S3 and the other AWS settings."
    return StorageError(without_user(text), permanent=True)


def without_user(text: str) -> str:
    """Returns the text with the user and password of addresses masked."""
    return _USER.sub("***@", text)


def _refusal(error: ClientError, bucket: str, where: str) -> StorageError:
    """Translates an answer of S3, or of the service that was to give the credentials."""
    code = error_code(error)
    meta = error.response.get("ResponseMetadata", {})
    status = int(meta.get("HTTPStatusCode", 0))
    call = error.operation_name
    said = str(error.response.get("Error", {}).get("Message") or "").strip().rstrip(".")
    remedy = _remedy(code, call, said)
    details = ", ".join(
        filter(
            None, [code, f"HTTP {status}" if status else "", f"request {meta.get('RequestId') or 'unknown'}"]
        )
    )
    values = {
        "bucket": bucket,
        "call": call,
        "permission": PERMISSIONS.get(call, f"s3:{call}"),
        "where": where,
    }
    answer = f"{said} ({details})" if said else details
    text = f"{remedy.problem.format(**values)}: {answer}."
    if remedy.advice:
        text += f" {remedy.advice.format(**values)}."
    known_to_stay = code in UNKNOWN_TRAILERS or status == 501
    transient = code in TRANSIENT or status == 429 or (status >= 500 and not known_to_stay)
    return StorageError(without_user(text), permanent=not transient)


def _remedy(code: str, call: str, said: str) -> Remedy:
    """Returns the words for an answer: its sentence says more than its code, and the call more than either."""
    if call in CREDENTIAL_CALLS:
        return CREDENTIAL_CALLS[call]
    if code.startswith("KMS"):
        return KMS
    if code in DENIED:
        return _denied(said)
    if _writes(call) and code in PRECONDITION:
        return REMEDIES["ConditionalRequestConflict"]
    if code in UNKNOWN_TRAILERS or (code in {"InvalidArgument", "InvalidRequest"} and CHECKSUMS.search(said)):
        return UNKNOWN_TRAILERS["NotImplemented"]
    return REMEDIES.get(code, Remedy("S3 answered {call} on {where} with"))


def _denied(said: str) -> Remedy:
    """Returns what a denial asks for by AWS's own sentence: not every one is cured by the permission of the call."""
    explicit, denied = _EXPLICIT.search(said), _NOT_AUTHORIZED.search(said)
    if explicit:
        policy = explicit[1] or "policy"
        advice = f"A {policy} denies it explicitly, so no further permission helps: change that {policy}, or do what "
        return Remedy(
            ACCESS_DENIED.problem, advice + "its condition asks for (network, encryption, organization)"
        )
    if not denied:
        return ACCESS_DENIED
    return (
        KMS
        if denied[1].startswith("kms:")
        else Remedy(ACCESS_DENIED.problem, f"The credentials need {denied[1]}")
    )


def _writes(call: str) -> bool:
    return PERMISSIONS.get(call) == "s3:PutObject"
