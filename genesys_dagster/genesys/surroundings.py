"""What the machine's environment says about the way out: proxies and certificates, and what can be wrong with it.

httpx reads these variables by itself and raises whatever comes (httpx issues 2674, 3221, 3574); here is told which
variable is meant and what to write. Values are not quoted, except single entries of NO_PROXY: a proxy's address may
hold a password.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from genesys_dagster.genesys.errors import ConfigurationError

_PROXY_FORM = "Write it as http://host:port, or http://name:password@host:port."


def check_surroundings() -> None:
    """Look for certificates that are not there, which nothing else would say until no certificate can be verified.

    Raises:
        ConfigurationError: As `what_is_wrong`.
    """
    directory = os.environ.get("SSL_CERT_DIR")
    if directory and not os.environ.get("SSL_CERT_FILE") and not _is_directory(directory):
        raise ConfigurationError(
            "SSL_CERT_DIR names no directory", remedy="Set it to a directory of certificates, or unset it."
        )


def what_is_wrong(error: Exception) -> ConfigurationError:
    """Name the variable because of which no connection could even be prepared.

    Args:
        error: What was raised.
    """
    if isinstance(error, OSError):  # ssl.SSLError is one, too
        return ConfigurationError(
            f"the file that SSL_CERT_FILE names cannot be used ({type(error).__name__})",
            remedy="Set it to a readable file of certificates in PEM form, or unset it.",
        )
    return next(_complaints(), None) or ConfigurationError(
        f"the proxy settings of this machine cannot be used ({type(error).__name__})",
        remedy="Check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY.",
    )


def proxy_variable(scheme: str) -> str | None:
    """Find the variable whose proxy requests of that scheme (`https` or `http`) go through; None without one."""
    for name in (f"{scheme}_proxy", "all_proxy"):
        if (variable := _set_variable(name)) is not None:
            return variable
    return None


def refused_by_proxy(scheme: str, status: int) -> ConfigurationError:
    """Say that a proxy does not let a request pass.

    Args:
        scheme: `https` or `http`, of the request's address.
        status: The proxy's answer.
    """
    variable = proxy_variable(scheme) or f"{scheme.upper()}_PROXY"
    if status == 407:
        return ConfigurationError(
            f"the proxy of {variable} wants a name and a password, or refuses those it gets",
            status=status,
            remedy=f"Write {variable} as http://name:password@host:port, or let it pass this machine without.",
        )
    return ConfigurationError(
        f"the proxy of {variable} refuses to connect to Genesys Cloud",
        status=status,
        remedy="Allow the hosts of your region there (api.… and login.…), or name them in NO_PROXY.",
    )


def _complaints() -> Iterator[ConfigurationError]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        variable = _set_variable(name)
        problem = _problem_of_proxy(os.environ[variable].strip()) if variable else None
        if problem is not None:
            yield ConfigurationError(f"{variable} {problem[0]}", remedy=problem[1])
    variable = _set_variable("no_proxy")
    for entry in os.environ[variable].split(",") if variable else ():
        if remedy := _remedy_of_exception(entry.strip()):
            yield ConfigurationError(f"{variable} has the entry {entry.strip()!r}", remedy=remedy)


def _problem_of_proxy(value: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        is_complete = bool(parts.hostname) and parts.port is not None
    except ValueError:
        return "is no address of a proxy", _PROXY_FORM
    if parts.scheme.startswith("socks"):
        return (
            "names a SOCKS proxy, for which a package is missing",
            "Name an HTTP proxy (http://host:port), or run `pip install httpx[socks]`.",
        )
    if parts.scheme not in {"http", "https"}:
        return f"names a proxy of the unknown kind {parts.scheme}", _PROXY_FORM
    return None if is_complete else ("is no address of a proxy", _PROXY_FORM)


def _remedy_of_exception(entry: str) -> str | None:
    """Say what to write instead of an entry that httpx cannot read: it makes an address of each."""
    if entry.startswith("[") or entry.endswith("]"):
        return f"Write it without brackets: {entry.strip('[]') or '::1'}."
    if entry.count(":") > 1:
        return (
            "Networks of IPv6 are not understood there: name single addresses, such as ::1, or leave it out."
        )
    try:
        _ = urlsplit(entry if "://" in entry else f"all://{entry}").port
    except ValueError:
        return "Write host names and addresses, separated by commas."
    return None


def _set_variable(name: str) -> str | None:
    # urllib.request.getproxies, which httpx asks, prefers the lower-case name.
    return next((variable for variable in (name, name.upper()) if os.environ.get(variable)), None)


def _is_directory(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False
