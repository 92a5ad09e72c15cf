"""`GenesysCloud` for `dg`: the same fields, written in YAML."""

import json
import re
import textwrap
from datetime import UTC, datetime
from typing import Any, Self

import dagster as dg
from dagster.components import scaffold_component
from dagster.components.resolved.errors import ResolutionException
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from genesys_dagster.org.from_yaml import unset_variables
from genesys_dagster.org.org import Org

_FROM_VARIABLES = ("client_id", "client_secret", "bucket")


class GenesysCloudScaffolder(dg.Scaffolder):
    """Writes a defs.yaml that loads once its variables are set, and that lists every other field with its default."""

    def scaffold(self, request: dg.ScaffoldRequest) -> None:
        """Write the file.

        Args:
            request: Where, and whether as YAML; the folder's name becomes the org's.
        """
        if request.scaffold_format == "python":
            scaffold_component(request)
            return
        folder = request.target_path.parent if request.append else request.target_path
        text = _defs_yaml(request.type_name, re.sub(r"\W+", "_", folder.name).lower())
        if request.append:
            with request.target_path.open("a", encoding="utf-8") as file:
                file.write(f"---\n{text}")
        else:
            (folder / "defs.yaml").write_text(text, encoding="utf-8")


@dg.scaffold_with(GenesysCloudScaffolder)
class GenesysCloudComponent(dg.Component, Org, dg.Resolvable):
    """The export of one Genesys Cloud org: conversations as daily Parquet partitions on S3, tables, figures and report.

    Everything is named after the org, so a project can have any number of them. Fields are those of `GenesysCloud`;
    the client's id and secret stay variables, `translation` renames assets, regroups them and so on, as in Dagster's
    own integrations. To decide in Python, override `get_asset_spec` in a subclass.
    """

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        """What `dg` and the docs tab show beside the description."""
        return dg.ComponentTypeSpec(
            owners=["team:genesys-dagster"], tags=["genesys-cloud", "contact-center", "s3", "parquet"]
        )

    @classmethod
    def model(cls) -> type[BaseModel]:
        """The fields as YAML has them, where each may be a template, too.

        Dagster forgets the descriptions of fields that have a default, and holds a template's text against bounds such
        as `ge=1`, a TypeError. Here they hold for numbers, and for what the template becomes.
        """
        model = super().model()
        for field, ours in zip(model.model_fields.values(), cls.model_fields.values(), strict=True):
            field.description = ours.description
            field.metadata = []
        model.model_rebuild(force=True)
        return model

    @classmethod
    def resolve_from_model(cls, context: dg.ResolutionContext, model: BaseModel) -> Self:
        """The component of what YAML says.

        Args:
            context: Dagster's.
            model: An instance of `model()`.

        Raises:
            ResolutionException: Something is missing or wrong; the message names the variables that are not set.
        """
        try:
            return super().resolve_from_model(context, model)  # type: ignore[no-any-return]
        except dg.DagsterInvalidDefinitionError as error:
            unset = ", ".join(unset_variables(model))
            raise ResolutionException(f"{error}\nVariables that are not set: {unset or 'none'}.") from None

    def get_asset_spec(self, spec: dg.AssetSpec) -> dg.AssetSpec:
        """The asset spec that is wanted.

        Args:
            spec: The one that would be made.

        Returns:
            It with `translation` applied; override to do more.
        """
        return self.translate(spec) if self.translate else spec

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002
        """Everything of this org.

        Args:
            context: Dagster's; nothing of it is needed.
        """
        from genesys_dagster.cloud import GenesysCloud  # all assets: not for `dg list components`

        ours = {name: getattr(self, name) for name in self.model_fields_set & Org.model_fields.keys()}
        return GenesysCloud(**{**ours, "translate": self.get_asset_spec}).definitions()


def _defs_yaml(type_name: str, name: str) -> str:
    variables = [f"{name.upper()}_{of}" for of in ("CLIENT_ID", "CLIENT_SECRET", "BUCKET")]
    wanted = {
        "name": name,
        "region": "us-east-1",
        **{field: f"{{{{ env.{it} }}}}" for field, it in zip(_FROM_VARIABLES, variables, strict=True)},
        "prefix": f"genesys/{name}",
        "timezone": "UTC",
        "start": f"{datetime.now(UTC):%Y-%m}-01",
    }
    fields = GenesysCloudComponent.model().model_fields
    ours = [_described(fields[field]) + f"{field}: {json.dumps(value)}\n" for field, value in wanted.items()]
    others = [
        _described(field) + f"# {key}: {json.dumps(_example(key, field))}\n"
        for key, field in fields.items()
        if key not in wanted
    ]
    attributes = "".join([*ours, "\n# What else there is, with the defaults:\n", *others])
    return (
        f"type: {type_name}\n\nattributes:\n{textwrap.indent(attributes, '  ')}\n"
        f"requirements:\n  env: {json.dumps(variables)}\n"
    )


def _described(field: FieldInfo) -> str:
    return textwrap.fill(field.description or "", 100, initial_indent="# ", subsequent_indent="# ") + "\n"


def _example(key: str, field: FieldInfo) -> Any:
    if field.examples:
        return field.examples[0]
    return Org.model_fields[key].get_default(call_default_factory=True)
