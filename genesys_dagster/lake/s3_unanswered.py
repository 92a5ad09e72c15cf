"""What to change when a request got no answer of S3: credentials, settings and the way there, by botocore's exception."""

from collections.abc import Sequence
from typing import NamedTuple

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError


class _Row(NamedTuple):
    """Words for exceptions; `{where}`, `{said}` (the exception's text) and `{file}` are filled in."""

    kinds: tuple[type[Exception], ...]
    text: str
    permanent: bool = True
    only_if: str = ""
    """What the exception's text must contain."""


_SILENCE = (boto.ReadTimeoutError, boto.ConnectTimeoutError, TimeoutError)
_ENDPOINT = "Check the network and, if you set one, the endpoint (AWS_ENDPOINT_URL_S3 or endpoint_url of the s3 resource)."

# The first row that fits.
_ROWS: Sequence[_Row] = (
    _Row(
        (boto.NoCredentialsError, boto.PartialCredentialsError),
        "No complete AWS credentials were found for {where}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
        "AWS_PROFILE, or run with a role of the machine.",
    ),
    _Row(
        (boto.ProfileNotFound,),
        "{said}: set AWS_PROFILE to one that ~/.aws/config or ~/.aws/credentials has, or unset it.",
    ),
    _Row(
        (
            boto.CredentialRetrievalError,
            boto.TokenRetrievalError,
            boto.NoAuthTokenError,
            boto.SSOError,
            boto.LoginError,
            boto.MetadataRetrievalError,
            boto.UnknownCredentialError,
            boto.InvalidConfigError,
        ),
        "The AWS credentials for {where} could not be obtained or renewed: {said}. Check what AWS_PROFILE or "
        "~/.aws/config names (credential_process, sso_session), or log in again (aws sso login).",
    ),
    _Row(  # such as botocore.utils.FileWebIdentityTokenLoader
        (FileNotFoundError, PermissionError, IsADirectoryError),
        "The file {file} cannot be read, which the AWS settings for {where} name: correct "
        "AWS_WEB_IDENTITY_TOKEN_FILE, AWS_CA_BUNDLE or credential_process in ~/.aws/config.",
    ),
    _Row((boto.NoRegionError,), "No AWS region is set for {where}: set AWS_REGION."),
    _Row(
        (boto.SSLError,),
        "The certificate of S3 is not trusted for {where}: {said}. Set AWS_CA_BUNDLE to the file of the CA.",
        only_if="CERTIFICATE_VERIFY_FAILED",
    ),
    _Row(
        (boto.ProxyConnectionError,),
        "The proxy on the way to S3 cannot be reached for {where}: {said}. Check HTTPS_PROXY and NO_PROXY.",
        permanent=False,
    ),
    _Row(  # its text holds the body: left out
        (ResponseParserError,),
        "What answers for {where} is not S3: check AWS_ENDPOINT_URL_S3, and proxies on the way.",
        permanent=False,
    ),
    _Row(_SILENCE, "S3 does not answer for {where}: {said}. " + _ENDPOINT, permanent=False),
    _Row((OSError,), "S3 could not be reached for {where}: {said}. " + _ENDPOINT, permanent=False),
    _Row(
        (
            boto.ParamValidationError,
            boto.ValidationError,
            boto.ConfigParseError,
            boto.ConfigNotFound,
            boto.MissingDependencyException,
            boto.InvalidEndpointConfigurationError,
            boto.EndpointProviderError,
            boto.InvalidChecksumConfigError,
            boto.InvalidRetryConfigurationError,
            boto.UnsupportedS3ArnError,
            boto.UnsupportedS3ConfigurationError,
            boto.UnsupportedS3AccesspointConfigurationError,
            ValueError,
        ),
        "S3 cannot be asked for {where}: {said}. Check AWS_ENDPOINT_URL_S3 and the other AWS settings.",
    ),
    _Row((Exception,), "S3 could not be reached for {where}: {said}. " + _ENDPOINT, permanent=False),
)


def is_silence(error: Exception) -> bool:
    """Returns whether nothing came back in time, so that asking once more would cost as long again."""
    return isinstance(error, _SILENCE)


def unanswered(error: Exception, where: str) -> tuple[str, bool]:
    """Returns the words, and whether a retry would meet the same."""
    said = str(error).strip().rstrip(".")
    row = next(row for row in _ROWS if isinstance(error, row.kinds) and row.only_if in said)
    return row.text.format(where=where, said=said, file=getattr(error, "filename", None)), row.permanent
