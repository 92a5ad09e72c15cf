import logging

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys_dagster.genesys.errors import ConfigurationError
from genesys_dagster.resources import GenesysResource

SECRET = "hush-hush-hush"


def test_the_secret_stands_in_no_form_of_the_resource(caplog):
    caplog.set_level(logging.DEBUG)
    resource = GenesysResource(client_id="id", client_secret=SECRET)
    logging.getLogger(__name__).info("%s %r %s", resource, resource, resource.model_dump())
    for text in (
        repr(resource),
        str(resource),
        f"{resource}",
        resource.model_dump_json(),
        str(resource.model_dump()),
        str(resource.model_dump(mode="json")),
        str(list(resource.__rich_repr__())),
        repr(resource.settings()),
        caplog.text,
    ):
        assert SECRET not in text
    assert resource.settings().client_secret == SECRET


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"max_attempts": 0}, "max_attempts: input should be greater than or equal to 1"),
        ({"max_concurrency": "many"}, "max_concurrency: input should be a valid integer"),
        ({"request_timeout": float("inf")}, "request_timeout: input should be a finite number"),
        ({"max_job_wait_minutes": 1e300}, "max_job_wait_minutes: input should be less"),
        ({"auth": "none"}, "auth: input should be 'http' or 'sdk'"),
        ({"client_secret": 12345678}, r"client_secret \(GENESYSCLOUD_OAUTHCLIENT_SECRET\): input"),
        ({"requests_per_minut": 3}, "has no field requests_per_minut"),
    ],
)
def test_a_field_that_cannot_be_used_is_named_in_one_sentence_and_its_value_is_not(wrong, words):
    with pytest.raises(ConfigurationError, match=words) as caught:
        GenesysResource(**wrong)
    assert "\n" not in str(caught.value)
    assert "12345678" not in str(caught.value)


@given(
    st.sampled_from(sorted(GenesysResource.model_fields)), st.none() | st.booleans() | st.text() | st.floats()
)
def test_whatever_a_field_is_given_it_is_taken_or_refused_in_one_sentence(field, value):
    said = None
    try:
        GenesysResource(**{field: value})
    except ConfigurationError as error:
        said = str(error)
    assert said is None or (field in said and "\n" not in said)


def test_every_field_says_what_it_is():
    assert all(field.description for field in GenesysResource.model_fields.values())


def test_a_secret_from_a_variable_reaches_the_asset(monkeypatch):
    monkeypatch.setenv("A_SECRET", SECRET)
    seen = []

    @dg.asset
    def asks(genesys: GenesysResource) -> None:
        seen.append(genesys.settings().client_secret)

    dg.materialize(
        [asks],
        resources={"genesys": GenesysResource(client_id="id", client_secret=dg.EnvVar("A_SECRET"))},
    )
    assert seen == [SECRET]


def test_credentials_may_stand_in_files_whose_variable_says_where(environment, tmp_path):
    for name in ("ID", "SECRET"):
        environment.delenv(f"GENESYSCLOUD_OAUTHCLIENT_{name}")
        (tmp_path / name).write_text(f"of-the-file-{name}\n")
        environment.setenv(f"GENESYSCLOUD_OAUTHCLIENT_{name}_FILE", str(tmp_path / name))
    settings = GenesysResource().settings()
    assert (settings.client_id, settings.client_secret) == ("of-the-file-ID", "of-the-file-SECRET")
    environment.setenv("GENESYSCLOUD_OAUTHCLIENT_SECRET", "of-the-variable")
    assert GenesysResource().settings().client_secret == "of-the-variable"


def test_a_file_of_credentials_that_is_not_there_is_one_sentence(environment, tmp_path):
    environment.delenv("GENESYSCLOUD_OAUTHCLIENT_SECRET")
    environment.setenv("GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE", str(tmp_path / "none"))
    with pytest.raises(
        ConfigurationError, match=r"^the file that GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE names"
    ):
        GenesysResource().settings()
