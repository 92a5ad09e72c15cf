"""What an org is called, where it lies, and what two orgs of one code location must not share."""

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.org.catalog import CATALOG, NEEDS
from genesys_dagster.org.org import Org
from genesys_dagster.sql.table_specs import SPECS

FIELDS = {"client_id": "client", "client_secret": dg.EnvVar("SECRET"), "bucket": "lake"}


def load(*orgs):
    dg.Definitions.validate_loadable(dg.Definitions.merge(*(org.definitions() for org in orgs)))


def named(name, **fields):
    return GenesysCloud(name=name, **{**FIELDS, "pool": "one_client", **fields})


def test_a_named_org_and_the_default_one_stand_side_by_side():
    load(named("emea"), GenesysCloud(**FIELDS, pool="one_client"))


@pytest.mark.parametrize("prefix", ["genesys/emea", "/genesys/emea/", dg.EnvVar("PLACE")])
def test_two_orgs_of_one_place_are_refused_when_the_code_location_loads(monkeypatch, prefix):
    monkeypatch.setenv("PLACE", "genesys/emea")
    with pytest.raises(
        dg.DagsterInvalidDefinitionError, match="both write to s3://lake/genesys/emea: give one"
    ):
        load(named("emea"), named("apac", prefix=prefix))


def test_the_default_orgs_place_is_that_of_its_variables(monkeypatch):
    monkeypatch.setenv("GENESYS_S3_PREFIX", "raw")
    with pytest.raises(dg.DagsterInvalidDefinitionError, match="both write to s3://lake/raw"):
        load(named("emea", prefix="raw"), GenesysCloud(**FIELDS, pool="one_client"))


def test_one_client_with_two_pools_is_refused_when_the_code_location_loads():
    with pytest.raises(
        dg.DagsterInvalidDefinitionError, match=r"one OAuth client but have the pools \w+ and \w+"
    ):
        load(named("emea", pool=None), named("apac", pool=None))
    load(
        named("emea", pool=None), named("apac", pool=None, region="eu-central-1")
    )  # another org's client of that name


def test_two_orgs_of_one_name_are_refused_by_name():
    with pytest.raises(dg.DagsterInvariantViolationError, match="'emea_genesys'"):
        load(named("emea"), named("emea", prefix="other"))


def test_an_org_of_the_environment_lies_where_the_environment_says_whatever_it_is_called(monkeypatch):
    monkeypatch.setenv("GENESYS_S3_BUCKET", "lake")
    monkeypatch.setenv("GENESYS_S3_PREFIX", "raw")
    org = GenesysCloud.from_environment(name="emea")
    assert org.definitions().resources[org.lake].place().uri == "s3://lake/raw"
    assert (
        named("emea").definitions().resources["emea_s3_parquet_io_manager"].place().uri
        == "s3://lake/genesys/emea"
    )


def test_every_field_is_described():
    assert all(len((field.description or "").split()) > 3 for field in Org.model_fields.values())


def test_an_org_cannot_be_changed():
    with pytest.raises(Exception, match="frozen"):
        named("emea").name = "apac"


@given(
    st.sampled_from(sorted(Org.model_fields)),
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
)
def test_whatever_a_field_is_given_it_is_taken_or_refused_in_one_sentence(field, value):
    said = None
    try:
        Org(**{field: value}).check()
    except dg.DagsterInvalidDefinitionError as error:
        said = str(error)
    assert said is None or ("\n" not in said.replace(repr(value), "") and said.endswith("."))


@pytest.mark.parametrize("name", ["a b", "emea/de", "\u00e9mea"])
def test_a_name_that_cannot_be_part_of_names_is_refused(name):
    with pytest.raises(dg.DagsterInvalidDefinitionError, match="name: string should match"):
        GenesysCloud(name=name)


def test_a_field_that_does_not_exist_is_named():
    with pytest.raises(dg.DagsterInvalidDefinitionError, match="it has no field genesis"):
        GenesysCloud(genesis="x")


@pytest.mark.parametrize("part", sorted(NEEDS))
def test_a_part_without_what_it_is_made_of_is_told(part):
    with pytest.raises(dg.DagsterInvalidDefinitionError, match=f"parts has {part} without"):
        Org(parts=(part,)).check()


@pytest.mark.parametrize(
    "parts", [(), ("tables",), ("reference",), ("late_activity", "tables", "reference", "performance")]
)
def test_only_the_parts_that_are_wanted_are_there(parts):
    defs = named("emea", parts=parts).definitions()
    dg.Definitions.validate_loadable(defs)
    wanted = {name for name, entry in CATALOG.items() if entry.part is None or entry.part in parts}
    assert {key.path[-1] for key in defs.resolve_all_asset_keys()} == wanted
    assert ("sweep_late_activity" in {job.name.removeprefix("emea_") for job in defs.jobs}) is (
        "late_activity" in parts
    )


def test_the_catalog_has_every_table():
    assert {name for name, entry in CATALOG.items() if entry.part == "tables"} == {
        spec.name for spec in SPECS
    }


def test_translate_moves_an_asset_and_whoever_reads_it_follows():
    def translate(spec):
        return spec.replace_attributes(key=["raw", *spec.key.path], group_name="contact_center")

    defs = named("emea", translate=translate).definitions()
    dg.Definitions.validate_loadable(defs)
    specs = {spec.key: spec for spec in defs.resolve_all_asset_specs()}
    assert {key.path[:2] == ["raw", "emea"] for key in specs} == {True}
    assert {spec.group_name for spec in specs.values()} == {"contact_center"}
    assert all(dep.asset_key in specs for spec in specs.values() for dep in spec.deps)
    checks = {key.asset_key for check in defs.asset_checks for key in check.check_keys}
    checked = ("conversation_details", "user_presence", "user_routing_status", "agent_status_daily")
    assert checks == {dg.AssetKey(["raw", "emea", name]) for name in checked}


def test_a_key_that_hangs_on_the_description_is_refused():
    def translate(spec):
        return spec.replace_attributes(key=["told" if spec.description else "untold", *spec.key.path])

    with pytest.raises(dg.DagsterInvalidDefinitionError, match="translate gives users the key"):
        named("emea", translate=translate).spec("users", description="x")
