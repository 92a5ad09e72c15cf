import runpy
from importlib.util import find_spec
from pathlib import Path

import pytest

from genesys_dagster.genesys.errors import ConfigurationError
from genesys_dagster.genesys.regions import REGION_DOMAINS, hosts
from genesys_dagster_tests.genesys.fakes import SECRET, settings


def test_every_region_of_the_official_sdk_is_known_with_the_same_hosts():
    package = find_spec("PureCloudPlatformClientV2").submodule_search_locations[0]
    table = runpy.run_path(str(Path(package) / "purecloud_region_hosts.py"))["PureCloudRegionHosts"]
    official = {region.name.replace("_", "-"): region.value for region in table}
    assert {name: hosts(name).api_url for name in REGION_DOMAINS} == official
    assert len(REGION_DOMAINS) == 18


@pytest.mark.parametrize(
    "text",
    [
        "eu_central_1",
        "EU-CENTRAL-1",
        " eu-central-1 ",
        "mypurecloud.de",
        "https://apps.mypurecloud.de/",
        "api.mypurecloud.de",
    ],
)
def test_a_region_may_be_written_in_any_usual_way(text):
    assert hosts(text).api_url == "https://api.mypurecloud.de"
    assert hosts(text).login_url == "https://login.mypurecloud.de"


def test_an_unknown_domain_passes_through():
    assert hosts("new1.pure.cloud").login_url == "https://login.new1.pure.cloud"


@pytest.mark.parametrize(
    "text", ["", "mars-1", "eu central", "https://api.mypurecloud.de/api/v2", "mypurecloud.de:8443"]
)
def test_what_is_neither_region_nor_domain_is_refused_with_the_list_of_regions(text):
    with pytest.raises(ConfigurationError, match=r"GENESYSCLOUD_REGION.*us-east-1"):
        settings(region=text, api_url=None)


def test_full_urls_replace_the_hosts_of_the_region():
    chosen = settings(region="us-west-2", api_url="http://127.0.0.1:8080/prefix/", login_url=None)
    assert chosen.api_base == "http://127.0.0.1:8080/prefix"
    assert chosen.login_base == "https://login.usw2.pure.cloud"


@pytest.mark.parametrize(
    "url",
    [
        "api.example.org",
        "ftp://example.org",
        "https://",
        "https://example.org/?a=1",
        "https://me:pw@example.org",
        "https://pw@example.org",
        "https://example.org:port",
        "https://[::1",
        "https://example.org:99999",
        "https:/example.org",
        "https://exa mple.org",
        "https://example.org/api/v2",
        "https://example.org/api/v2/",
    ],
)
def test_what_is_no_base_url_is_refused_without_being_quoted(url):
    with pytest.raises(ConfigurationError, match="GENESYSCLOUD_API_URL") as caught:
        settings(api_url=url)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("name", ["client_id", "client_secret"])
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("sesame\n", "begins or ends with a blank or a line break"),
        ("\tsesame", "begins or ends with a blank or a line break"),
        ('"sesame"', "has quotes around it"),
        ("\u201csesame\u201d", "has quotes around it"),
        ("'sesame", "has quotes around it"),
        ("ses ame", "holds a blank or a line break"),
        ("ses\u2013ame", "holds characters that no id or secret"),
        ("ses\x00ame", "holds characters that no id or secret"),
        ("sés\u0430ame", "holds characters that no id or secret"),
    ],
)
def test_what_was_copied_wrongly_is_said_by_the_variables_name_and_never_quoted(name, value, words):
    with pytest.raises(ConfigurationError, match=words) as caught:
        settings(**{name: value})
    assert f"GENESYSCLOUD_OAUTH{name.upper()}" in str(caught.value)
    assert value.strip() not in str(caught.value)


def test_an_id_with_the_secret_behind_a_colon_is_told_apart():
    with pytest.raises(ConfigurationError, match="GENESYSCLOUD_OAUTHCLIENT_ID holds a colon"):
        settings(client_id="an-id:a-secret")


def test_a_secret_in_the_place_of_the_region_is_not_repeated():
    with pytest.raises(ConfigurationError, match="GENESYSCLOUD_REGION") as caught:
        settings(region="s" * 43, api_url=None)
    assert "sss" not in str(caught.value)


@pytest.mark.parametrize("text", [" us-east-1\n", "\tmypurecloud.de "])
def test_blanks_around_a_region_or_a_url_do_no_harm(text):
    assert settings(region=text, api_url=None).api_base.startswith("https://api.mypurecloud.")
    assert settings(api_url=" https://api.example.org/ \n").api_base == "https://api.example.org"


def test_a_missing_id_or_secret_is_named():
    with pytest.raises(ConfigurationError, match="GENESYSCLOUD_OAUTHCLIENT_SECRET is empty"):
        settings(client_secret=" ")
    with pytest.raises(
        ConfigurationError, match="OAUTHCLIENT_ID and GENESYSCLOUD_OAUTHCLIENT_SECRET are empty"
    ):
        settings(client_id="", client_secret="")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_concurrency", 0),
        ("requests_per_minute", 0),
        ("max_attempts", 0),
        ("max_backoff", -1),
        ("request_timeout", 0),
        ("request_timeout", float("nan")),
        ("request_timeout", float("inf")),
        ("max_retry_after", float("inf")),
        ("auth", "none"),
    ],
)
def test_a_number_out_of_range_is_refused(name, value):
    with pytest.raises(ConfigurationError, match=name):
        settings(**{name: value})


def test_the_secret_is_not_in_the_repr():
    assert SECRET not in repr(settings())
