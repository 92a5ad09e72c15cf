"""What YAML has no type for, and how it is said there: a variable of the environment, a function of asset specs.

The types of the fields of `Org` that `dg` could not read otherwise.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

import dagster as dg
from dagster.components import AssetAttributesModel
from dagster.components.resolved.errors import ResolutionException
from dagster.components.utils import TranslatorResolvingInfo
from pydantic import BaseModel, Field

from genesys_dagster import environment

# The two spellings that `dg check yaml` takes for a variable.
_VARIABLE = re.compile(r"""\s*\{\{\s*env(?:\.(\w+)|\(\s*['"](\w+)['"]\s*\))\s*\}\}\s*""")


def _variable(context: dg.ResolutionContext, text: str | None) -> Any:
    if text is None:
        return None
    if found := _VARIABLE.fullmatch(text):
        return dg.EnvVar(found[1] or found[2])
    return context.resolve_value(text, as_type=object)


def _secret(context: dg.ResolutionContext, text: str | None) -> dg.EnvVar | None:
    value = _variable(context, text)
    if value is None or isinstance(value, dg.EnvVar):
        return value
    # To any other exception Dagster adds the line of the file, and with it the secret.
    raise ResolutionException(
        f'{context.path[-1]} must not stand in YAML: write "{{{{ env.NAME }}}}" and set the variable NAME.'
    )


def _translation(context: dg.ResolutionContext, model: Any) -> Callable[[dg.AssetSpec], dg.AssetSpec] | None:
    if model is None:
        return None
    info = TranslatorResolvingInfo(model, context, model_key="translation")
    return lambda spec: info.get_asset_spec(spec, {"spec": spec})


def unset_variables(model: BaseModel) -> list[str]:
    """The variables whose value some field is to have, and which are not set.

    Args:
        model: The fields as they stand in YAML.
    """
    found = (_VARIABLE.fullmatch(text) for _, text in model if isinstance(text, str))
    names = {variable[1] or variable[2] for variable in found if variable}
    return sorted(name for name in names if not environment.is_set(name))


Variable = Annotated[
    dg.EnvVar | str, dg.Resolver(_variable, model_field_type=str, inject_before_resolve=False)
]
OptionalVariable = Annotated[
    dg.EnvVar | str | None,
    dg.Resolver(_variable, model_field_type=str | None, inject_before_resolve=False),
]
"""A text, or the variable that has it: in YAML `"{{ env.NAME }}"` stays `dg.EnvVar("NAME")`, its value nobody's to see."""

Secret = Annotated[
    dg.EnvVar | None,
    Field(json_schema_extra={"pattern": r"^\s*\{\{.*\}\}\s*$"}),  # for editors and `dg check yaml`
    dg.Resolver(_secret, model_field_type=str | None, inject_before_resolve=False),
]
"""A variable, never its value."""

Translate = Annotated[
    Callable[[dg.AssetSpec], dg.AssetSpec] | None,
    dg.Resolver(
        _translation,
        model_field_name="translation",
        # What the translations of Dagster's own integrations take.
        model_field_type=str | AssetAttributesModel | None,
        inject_before_resolve=False,
        examples=[{"key": "raw/{{ spec.key.path[-1] }}", "group_name": "contact_center"}],
    ),
]
"""From the asset spec that would be made to the one that is wanted; in YAML `translation`, attributes of assets."""
