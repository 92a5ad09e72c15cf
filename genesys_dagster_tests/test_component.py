"""`GenesysCloud` in YAML, as `dg` reads it."""

import subprocess
import sys
from importlib.metadata import entry_points

import dagster as dg
import pytest
from dagster.components.core.package_entry import discover_package_objects
from dagster.components.resolved.errors import ResolutionException
from dagster.components.testing import create_defs_folder_sandbox
from pydantic import ValidationError

import genesys_dagster
from genesys_dagster import GenesysCloudComponent
from genesys_dagster.org.org import Org

pytestmark = [
    # Dagster's own.
    pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated"),
    pytest.mark.filterwarnings(
        "ignore:Class `(LocalFileCodeReference|CodeReferencesMetadataValue)` is:dagster.BetaWarning"
    ),
]

EMEA = """
name: emea
region: eu-central-1
client_id: "{{ env.EMEA_CLIENT_ID }}"
client_secret: "{{ env.EMEA_CLIENT_SECRET }}"
bucket: "{{ env.EMEA_BUCKET }}"
prefix: genesys/emea
timezone: Europe/Berlin
start: 2026-01-01
"""
RAW = """
translation:
  key: "raw/{{ spec.key.path[-1] }}"
  group_name: contact_center
  owners: ["team:cx-data"]
  tags: {domain: voice}
"""
DETAILS = dg.AssetKey(["emea", "conversation_details"])


@pytest.fixture(autouse=True)
def _variables(monkeypatch):
    for org in ("EMEA", "APAC"):
        monkeypatch.setenv(f"{org}_CLIENT_ID", f"the-id-of-{org}")
        monkeypatch.setenv(f"{org}_CLIENT_SECRET", "the-secret")
        monkeypatch.setenv(f"{org}_BUCKET", "lake")


@pytest.fixture
def project():
    """An empty project with a `defs` folder."""
    with create_defs_folder_sandbox() as sandbox:
        yield sandbox


def read(yaml, cls=GenesysCloudComponent):
    return cls.resolve_from_yaml(yaml)


def assets(component):
    defs = component.build_defs(dg.ComponentTree.for_test().load_context)
    return {spec.key: spec for spec in defs.resolve_all_asset_specs()}


def changed(line):
    """EMEA with the line of that field replaced, or added."""
    field = line.partition(":")[0]
    return "\n".join([*(it for it in EMEA.splitlines() if not it.startswith(f"{field}:")), line])


@pytest.mark.parametrize("spelling", ["{{ env.ID }}", "{{env.ID}}", "{{ env('ID') }}", '{{ env( "ID" ) }}'])
@pytest.mark.parametrize("field", ["client_id", "client_secret"])
def test_credentials_stay_variables(field, spelling):
    value = getattr(read(changed(f"{field}: '{spelling.replace(chr(39), chr(39) * 2)}'")), field)
    assert isinstance(value, dg.EnvVar)
    assert value.env_var_name == "ID"


def test_no_value_of_a_credential_is_in_the_component():
    component = read(EMEA)
    assert "the-id" not in repr(component)
    assert "the-secret" not in repr(component)


def test_a_plain_client_id_is_taken():
    assert read(changed("client_id: 0815-abc")).client_id == "0815-abc"


@pytest.mark.parametrize(
    "secret", ["hunter2", "{{ env.EMEA_CLIENT_SECRET | trim }}", "{{ env('NONE', 'hunter2') }}"]
)
def test_a_plain_secret_is_refused_with_one_sentence_that_does_not_show_it(secret):
    with pytest.raises(ResolutionException) as refused:
        read(changed(f'client_secret: "{secret}"'))
    assert str(refused.value) == (
        'client_secret must not stand in YAML: write "{{ env.NAME }}" and set the variable NAME.'
    )


def test_variables_of_what_is_no_text_are_read(monkeypatch):
    monkeypatch.setenv("DAYS", "3")
    monkeypatch.setenv("YEAR", "2026")
    component = read(EMEA + 'days_per_run: "{{ env.DAYS }}"\ntags: {year: "{{ env.YEAR }}"}\n')
    assert component.days_per_run == 3
    assert component.tags == {"year": "2026"}


def test_bounds_hold_for_numbers_and_for_what_a_template_becomes(monkeypatch):
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        read(EMEA + "required_days: 0")
    monkeypatch.setenv("DAYS", "0")
    with pytest.raises(ResolutionException, match="greater than or equal to 1"):
        read(EMEA + 'required_days: "{{ env.DAYS }}"')


def test_a_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("DAYS", raising=False)
    with pytest.raises(ResolutionException, match=r"days_per_run(?s:.*)not set: DAYS\."):
        read(EMEA + 'days_per_run: "{{ env.DAYS }}"')


def test_a_variable_that_is_not_set_where_the_code_location_loads_is_the_runs_business(monkeypatch):
    monkeypatch.delenv("EMEA_BUCKET")
    assert DETAILS in assets(read(EMEA))


def test_what_is_not_given_has_the_default_of_org():
    component = read(EMEA)
    ours = Org(**{name: getattr(component, name) for name in component.model_fields_set})
    assert all(getattr(component, name) == getattr(ours, name) for name in Org.model_fields)


def test_an_unknown_field_is_refused_with_its_line(project):
    file = project.scaffold_component(GenesysCloudComponent, "emea") / "defs.yaml"
    text = file.read_text().replace("  prefix:", "  prefx:")
    file.write_text(text)
    line = 1 + text[: text.index("  prefx:")].count("\n")
    with (
        pytest.raises(Exception, match="Error while loading component emea") as refused,
        project.build_all_defs(),
    ):
        pass
    cause = str(refused.value.__cause__)
    assert f"attributes.prefx at {file}:{line}" in cause
    assert "Extra inputs are not permitted" in cause


def test_the_schema_describes_every_field_of_org_and_nothing_else():
    described = GenesysCloudComponent.model().model_json_schema()["properties"]
    assert {"translate" if name == "translation" else name for name in described} == Org.model_fields.keys()
    for name, field in Org.model_fields.items():
        assert described["translation" if name == "translate" else name]["description"] == field.description


def test_the_type_says_who_owns_it_and_what_it_is():
    spec = GenesysCloudComponent.get_spec()
    assert spec.owners
    assert spec.tags
    assert (GenesysCloudComponent.get_description() or "").startswith("The export of one Genesys Cloud org")


def test_without_translation_assets_are_those_of_the_org():
    assert DETAILS in assets(read(EMEA))


def test_translation_changes_keys_groups_owners_and_tags_and_who_depends_on_whom():
    found = assets(read(EMEA + RAW))
    assert {tuple(key.path[:-1]) for key in found} == {("raw",)}
    details = found[dg.AssetKey(["raw", "conversation_details"])]
    assert details.group_name == "contact_center"
    assert details.owners == ["team:cx-data"]
    assert details.tags["domain"] == "voice"
    before = assets(read(EMEA))
    assert {(key.path[-1], dep.asset_key.path[-1]) for key, spec in found.items() for dep in spec.deps} == {
        (key.path[-1], dep.asset_key.path[-1]) for key, spec in before.items() for dep in spec.deps
    }
    assert all(dep.asset_key in found for spec in found.values() for dep in spec.deps)


def test_get_asset_spec_can_be_overridden_and_finds_the_translation_applied():
    class Ours(GenesysCloudComponent):
        def get_asset_spec(self, spec):
            return super().get_asset_spec(spec).merge_attributes(tags={"seen": spec.key.path[0]})

    details = assets(read(EMEA + RAW, Ours))[dg.AssetKey(["raw", "conversation_details"])]
    assert details.group_name == "contact_center"
    assert details.tags["seen"] == "emea"


def test_a_function_of_python_does_as_translation_does():
    component = GenesysCloudComponent(
        **{name: getattr(read(EMEA), name) for name in read(EMEA).model_fields_set},
        translate=lambda spec: spec.replace_attributes(group_name="mine"),
    )
    assert {spec.group_name for spec in assets(component).values()} == {"mine"}


def test_the_secret_and_the_translation_may_come_from_a_template_variable_of_python():
    ours = {
        "secret": dg.EnvVar("FROM_PYTHON"),
        "moved": lambda spec: spec.replace_attributes(group_name=f"{spec.key.path[0]}_data"),
    }
    yaml = changed('client_secret: "{{ secret }}"') + '\ntranslation: "{{ moved(spec) }}"'
    component = GenesysCloudComponent.resolve_from_yaml(yaml, scope=ours)
    assert component.client_secret.env_var_name == "FROM_PYTHON"
    assert {spec.group_name for spec in assets(component).values()} == {"emea_data"}


def test_what_is_scaffolded_loads_and_lists_every_field(project):
    text = (project.scaffold_component(GenesysCloudComponent, "emea") / "defs.yaml").read_text()
    with project.build_all_defs() as defs:
        assert DETAILS in defs.resolve_all_asset_keys()
    for name in GenesysCloudComponent.model().model_fields:
        assert f"  {name}: " in text or f"  # {name}: " in text


def test_scaffolded_in_python_it_is_dagsters_own_template(project):
    folder = project.scaffold_component(GenesysCloudComponent, "emea", scaffold_format="python")
    assert "component_instance" in (folder / "component.py").read_text()


def test_two_orgs_are_two_components_of_one_project(project):
    project.scaffold_component(GenesysCloudComponent, "emea")
    project.scaffold_component(GenesysCloudComponent, "apac")
    with project.build_all_defs() as defs:
        assert {DETAILS, dg.AssetKey(["apac", "conversation_details"])} <= set(defs.resolve_all_asset_keys())


def test_assets_point_to_their_yaml(project):
    folder = project.scaffold_component(GenesysCloudComponent, "emea")
    with project.build_all_defs() as defs:
        (details,) = (spec for spec in defs.resolve_all_asset_specs() if spec.key == DETAILS)
    references = details.metadata["dagster/code_references"].code_references
    assert str(folder / "defs.yaml") in {getattr(it, "file_path", None) for it in references}


def test_dg_finds_the_component_by_entry_point_though_nothing_is_imported_before_it_is_asked_for():
    (ours,) = (
        it for it in entry_points(group="dagster_dg_cli.registry_modules") if it.name == "genesys_dagster"
    )
    assert ours.load() is genesys_dagster
    (found,) = discover_package_objects(["genesys_dagster"]).items()
    assert found[0].to_typename() == "genesys_dagster.GenesysCloudComponent"
    assert found[1] is GenesysCloudComponent


def test_importing_the_package_imports_neither_dagster_nor_arrow():
    code = "import sys, genesys_dagster; sys.exit(any(it in sys.modules for it in ('dagster', 'pyarrow', 'pandas')))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_name_that_is_not_public_is_an_attribute_error():
    assert set(genesys_dagster.__all__) <= set(dir(genesys_dagster))
    with pytest.raises(AttributeError, match="no attribute 'GenesysClod'"):
        _ = genesys_dagster.GenesysClod
