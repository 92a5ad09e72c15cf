"""Where a Genesys Cloud region lives: region name or domain to API and login addresses."""

import re
from dataclasses import dataclass

from genesys_dagster.genesys.errors import ConfigurationError

# Source: PureCloudPlatformClientV2 269.0.0, purecloud_region_hosts.py (all 18 entries).
REGION_DOMAINS = {
    "us-east-1": "mypurecloud.com",
    "us-west-2": "usw2.pure.cloud",
    "us-east-2": "use2.us-gov-pure.cloud",  # FedRAMP
    "ca-central-1": "cac1.pure.cloud",
    "sa-east-1": "sae1.pure.cloud",
    "mx-central-1": "mxc1.pure.cloud",
    "eu-west-1": "mypurecloud.ie",
    "eu-west-2": "euw2.pure.cloud",
    "eu-central-1": "mypurecloud.de",
    "eu-central-2": "euc2.pure.cloud",
    "eusc-de-east-1": "edee1.eusc-pure.cloud",  # EU sovereign cloud
    "me-central-1": "mec1.pure.cloud",
    "ap-south-1": "aps1.pure.cloud",
    "ap-southeast-1": "apse1.pure.cloud",
    "ap-southeast-2": "mypurecloud.com.au",
    "ap-northeast-1": "mypurecloud.jp",
    "ap-northeast-2": "apne2.pure.cloud",
    "ap-northeast-3": "apne3.pure.cloud",
}

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_LONGEST_QUOTED = 40  # characters; a secret in the wrong place is longer and is not repeated
_DECORATION = re.compile(r"^(?:https?://)?(?:(?:api|login|apps)\.)?")


@dataclass(frozen=True, slots=True)
class Hosts:
    """Base URLs of one region, without a trailing slash."""

    api_url: str
    login_url: str


def hosts(region: str, setting: str = "the region") -> Hosts:
    """Find the addresses of a region.

    Args:
        region: An AWS region name in either spelling (`us-east-1`, `us_east_1`), or the domain of the organization
            (`mypurecloud.de`; a leading `https://`, `api.`, `login.` or `apps.` is ignored).
        setting: What the region is called where it is set.

    Returns:
        The base URLs; the login host is the API host with `login.` in place of `api.` (SDK 269 api_client.py).

    Raises:
        ConfigurationError: The text is neither a known region nor a domain.
    """
    name = region.strip().lower().rstrip("/")
    domain = REGION_DOMAINS.get(name.replace("_", "-")) or _DECORATION.sub("", name)
    if not _DOMAIN.fullmatch(domain):
        raise ConfigurationError(
            f"{region!r} is no Genesys Cloud region"
            if len(region) <= _LONGEST_QUOTED
            else "that is no Genesys Cloud region",
            remedy=f"Set {setting} to one of {', '.join(sorted(REGION_DOMAINS))}, or to your domain.",
        )
    return Hosts(api_url=f"https://api.{domain}", login_url=f"https://login.{domain}")
