"""What one org's export is: where the org is and who asks, the lake, the days, and what everything is called."""

from collections.abc import Callable, Mapping, Sequence
from datetime import time
from functools import cached_property
from typing import Annotated, Any, Literal

import dagster as dg
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from genesys_dagster import environment
from genesys_dagster.genesys.errors import ConfigurationError
from genesys_dagster.genesys.rate_limit_stores import check_store
from genesys_dagster.org.catalog import CATALOG, NEEDS, Part
from genesys_dagster.org.days import Days
from genesys_dagster.org.from_yaml import OptionalVariable, Secret, Translate, Variable
from genesys_dagster.org.plan import (
    DEFAULT_AFTER_DAYS,
    DEFAULT_OPEN_EVERY_DAYS,
    DEFAULT_OPEN_FOR_DAYS,
    RefreshPlan,
)

DEFAULT = "default"
"""What runs carry as the name of the org that has none."""

ORG_TAG = "genesys/org"
"""The tag by which a run tells whose it is."""


class Org(BaseModel):
    """One Genesys Cloud org and its lake, as a value: everything that its definitions are a function of.

    Names and types of fields are checked when it is made. Whether their values make sense (a time zone that exists, a
    plan that can be followed) is checked by `check`: such values come from environments, and one that is wrong must
    cost its own org only.

    Raises:
        dagster.DagsterInvalidDefinitionError: A field is not known or of the wrong type; the message names it.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        coerce_numbers_to_str=True,  # as YAML has them
    )

    name: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_]*$",
        description="What everything of the org is called after: letters, digits and underscores. Empty: the default "
        "org, whose names are bare.",
    )

    # Where the org is, and who asks.
    region: Variable = Field(
        default="us-east-1",
        description="AWS region name (us-east-1 or us_east_1) or domain (mypurecloud.de) of the org.",
    )
    client_id: Variable = Field(
        default="", description="Id of an OAuth client with the grant type Client Credentials."
    )
    client_secret: Secret = Field(
        default=None,
        description="Its secret, as dg.EnvVar: a value written here would stand in Dagster's UI.",
    )
    api_url: Variable = Field(default="", description="Base URL of the API instead of the region's.")
    login_url: Variable = Field(default="", description="Base URL of the login host instead of the region's.")
    rate_limit_store: Secret = Field(
        default=None,
        description="Address of the store in which all processes that use the OAuth client keep one rate limit together, "
        "as dg.EnvVar: redis://, postgresql:// or, on one machine, sqlite:////folder/file.sqlite. Without it each process "
        "keeps its own.",
    )
    client_options: Mapping[str, Any] = Field(
        default_factory=dict, description="Further fields of GenesysResource, such as source or paging."
    )
    pool: str | None = Field(
        default=None,
        description="Dagster's concurrency pool of everything that asks Genesys Cloud. One per OAuth client, so orgs that "
        "share a client name the same one. Empty: genesys_api, after the org's name.",
    )

    # The lake.
    bucket: Variable = Field(default="", description="Bucket that everything is written to.")
    prefix: OptionalVariable = Field(
        default=None,
        description="What all object keys begin with. Empty text: the bucket's root. Not set: genesys, for a named org "
        "genesys/{name}.",
    )
    lake_options: Mapping[str, Any] = Field(
        default_factory=dict,
        description="Further fields of S3ParquetIOManager, such as compression or upload_options.",
    )

    # Days.
    timezone: Variable = Field(
        default="UTC", description="IANA name of the time zone in which a day is a day."
    )
    start: Variable = Field(default="2026-01-01", description="First day to export, YYYY-MM-DD.")
    days_per_run: Annotated[int, Field(ge=1)] | Literal["all"] = Field(
        default=1, description="How many days one run of a backfill takes: a number, or all of a range."
    )

    figures_days_back: int = Field(
        default=14,
        ge=1,
        description="Of how many days before a day the figures look for what older conversations did on it, where no "
        "late_activity of the day is in the lake. 14: as long as the refresh plan pulls every day again.",
    )
    status_days_back: int = Field(
        default=60,
        ge=1,
        description="For how many days before a day agent_status looks for the status that was still open when it began.",
    )

    # What runs by itself.
    automation: bool = Field(
        default=False,
        description="Whether sensors and schedules run from the start, or wait to be switched on in the UI.",
    )
    refresh_after_days: Sequence[int] = Field(
        default=DEFAULT_AFTER_DAYS,
        description="How many days after its end each day is pulled again, ascending.",
    )
    refresh_open_every_days: int = Field(
        default=DEFAULT_OPEN_EVERY_DAYS,
        description="After the last of these: at which interval of days a day is pulled again while it is not settled; "
        "0 for never.",
    )
    refresh_open_for_days: int = Field(
        default=DEFAULT_OPEN_FOR_DAYS,
        description="Age in days at which days that are not settled are given up.",
    )
    retention_days: int | None = Field(
        default=None,
        ge=1,
        description="After how many days Genesys Cloud deletes interaction data, where the OAuth client may not ask.",
    )
    deadline: str = Field(
        default="06:00", description="Time of day by which yesterday must be there, such as 06:00."
    )
    required_days: int = Field(
        default=7, ge=1, description="How many of the last days must be there by the deadline."
    )
    deletions_allowed: int | None = Field(
        default=None,
        ge=0,
        description="Conversations of the stored version that a pull may lack without being refused. Empty: 10.",
    )
    deletions_allowed_percent: float | None = Field(
        default=None, ge=0, le=100, description="The same in percent of the day, if that is more. Empty: 1."
    )

    # Who is told.
    alert_slack_token: Secret = Field(
        default=None, description="Token of a Slack app that may write, as dg.EnvVar: alerts on Slack."
    )
    alert_slack_channel: OptionalVariable = Field(default=None, description="Channel of the alerts on Slack.")
    alert_teams_webhook: Secret = Field(
        default=None, description="Webhook of a channel, as dg.EnvVar: alerts on Microsoft Teams."
    )
    alert_ui_url: OptionalVariable = Field(
        default=None, description="Address of the Dagster UI, for links in alerts."
    )

    # What there is, and how it is called.
    parts: Sequence[Part] = Field(
        default=("late_activity", "reference", "tables", "performance", "user_status", "report"),
        description="What there is besides conversation_details.",
    )
    key_prefix: Sequence[str] | None = Field(
        default=None,
        description="What asset keys begin with. Not set: the org's name, nothing for the default org.",
    )
    groups: Mapping[str, str] = Field(
        default_factory=dict,
        description="Other names of groups, by ours: genesys_cloud, reference, tables, performance, user_status, report.",
    )
    owners: Sequence[str] = Field(
        default=("team:data-engineering",),
        description="Owners of every asset: e-mail addresses or team:name.",
    )
    tags: Mapping[str, str] = Field(default_factory=dict, description="More tags of every asset.")
    kinds: Sequence[str] = Field(default=(), description="More kinds of every asset.")
    translate: Translate = Field(
        default=None,
        description="Makes of each asset's spec, as it would be, the one that you want: key, group, description, owners, "
        "tags, metadata, automation condition. What reads the asset follows a changed key.",
    )

    _variables: Mapping[str, str] = PrivateAttr(default_factory=dict)
    """Which environment variable a field was read from: messages name it instead of the field."""

    _problems: tuple[str, ...] = PrivateAttr(default=())
    """What was found to be wrong before the value was made; `check` says it."""

    @model_validator(mode="wrap")
    @classmethod
    def _in_one_sentence(cls, data: Any, handler: Callable[[Any], "Org"]) -> "Org":
        try:
            return handler(data)
        except ValidationError as error:
            raise dg.DagsterInvalidDefinitionError(_what_is_wrong(cls.__name__, error)) from None

    def check(self) -> None:
        """Looks whether the values make sense.

        Raises:
            dagster.DagsterInvalidDefinitionError: One does not; one sentence that names the field, or the variable.
        """
        problem = next(iter(self._wrong()), None)
        if problem is not None:
            of_whom = f"Org {self.name}: " if self.name else ""
            raise dg.DagsterInvalidDefinitionError(of_whom + problem)

    def _wrong(self) -> list[str]:
        problems = list(self._problems)
        if self.name == DEFAULT:
            problems.append(f"name={DEFAULT!r} is that of the org without a name: choose another.")
        for look in (lambda: self.days, lambda: self.plan, lambda: self.deadline_time):
            try:
                look()
            except ValueError as error:
                problems.append(f"{error}.")
        problems += [
            f"parts has {part} without what it is made of: add {needed}."
            for part in self.parts
            for needed in NEEDS.get(part, ())
            if needed not in self.parts
        ]
        if self.rate_limit_store and (address := environment.value_of(self.rate_limit_store)):
            try:
                check_store(address, self.rate_limit_store.env_var_name)
            except ConfigurationError as error:
                problems.append(str(error))
        slack = {"alert_slack_token", "alert_slack_channel"}
        absent = [field for field in slack if not getattr(self, field)]
        if len(absent) == 1:
            problems.append(f"Alerts on Slack need {self.called(absent[0])} too: set it, or unset the other.")
        if unknown := sorted(set(self.groups) - {entry.group for entry in CATALOG.values()}):
            problems.append(f"groups renames {', '.join(unknown)}, which is no group of ours.")
        return problems

    def called(self, field: str) -> str:
        """What a field is called in messages: the variable that it was read from, else its own name."""
        return self._variables.get(field, field)

    # Days and plans.

    @cached_property
    def days(self) -> Days:
        """The daily partitions.

        Raises:
            ValueError: There is no such zone or day.
        """
        start, timezone = self._text("start"), self._text("timezone")
        try:
            return Days(start, timezone)
        except ValueError as error:
            field = "start" if str(error).startswith(f"={start!r}") else "timezone"
            raise ValueError(f"{self.called(field)}{error}") from None

    @cached_property
    def plan(self) -> RefreshPlan:
        """The refresh plan.

        Raises:
            ValueError: The numbers make none.
        """
        try:
            return RefreshPlan(
                tuple(self.refresh_after_days), self.refresh_open_every_days, self.refresh_open_for_days
            )
        except ValueError as error:
            names = ("refresh_after_days", "refresh_open_every_days", "refresh_open_for_days")
            first, second, third = map(self.called, names)
            raise ValueError(f"{first}, {second} and {third} make no plan: {error}") from None

    @property
    def deadline_time(self) -> time:
        """The deadline as a time.

        Raises:
            ValueError: It is none.
        """
        try:
            return time.fromisoformat(self.deadline)
        except ValueError:
            name = self.called("deadline")
            raise ValueError(f"{name}={self.deadline!r} cannot be read: write a time such as 06:00") from None

    @property
    def backfill_policy(self) -> dg.BackfillPolicy | None:
        """How many days one run of a backfill takes; None for one, Dagster's default."""
        if self.days_per_run == "all":
            return dg.BackfillPolicy.single_run()
        return None if self.days_per_run == 1 else dg.BackfillPolicy.multi_run(self.days_per_run)

    def _text(self, field: str) -> str:
        value = getattr(self, field)
        text = environment.value_of(value)
        if not text and isinstance(value, dg.EnvVar):
            raise ValueError(f"{field} is to come from the variable {value.env_var_name}, which is not set")
        return text

    # Names.

    def label(self, name: str) -> str:
        """A name of ours as the org's: of a job, sensor, schedule, group, resource or pool."""
        return f"{self.name}_{name}" if self.name else name

    @property
    def folder(self) -> str:
        """Where its notes stand in the instance's key-value store, apart from those of other orgs."""
        return f"{self.name}/" if self.name else ""

    @property
    def tag(self) -> dict[str, str]:
        """What runs of the org carry."""
        return {ORG_TAG: self.name or DEFAULT}

    @property
    def api_pool(self) -> str:
        """The pool of everything that asks Genesys Cloud."""
        return self.pool or self.label("genesys_api")

    @property
    def genesys(self) -> str:
        """Key of the resource `GenesysResource`."""
        return self.label("genesys")

    @property
    def lake(self) -> str:
        """Key of the IO manager of tables."""
        return self.label("s3_parquet_io_manager")

    @property
    def pages(self) -> str:
        """Key of the IO manager of pages."""
        return self.label("s3_page_io_manager")

    @property
    def object_prefix(self) -> dg.EnvVar | str | None:
        """What object keys begin with; None, of an org of the environment: as that says."""
        is_by_name = self.prefix is None and self.name and not self._variables
        return f"{environment.DEFAULT_PREFIX}/{self.name}" if is_by_name else self.prefix

    @property
    def prefix_of_keys(self) -> tuple[str, ...]:
        """What asset keys begin with."""
        return ((self.name,) if self.name else ()) if self.key_prefix is None else tuple(self.key_prefix)

    @property
    def sensor_status(self) -> dg.DefaultSensorStatus:
        """The status that sensors have until somebody changes it in the UI."""
        return dg.DefaultSensorStatus.RUNNING if self.automation else dg.DefaultSensorStatus.STOPPED

    @property
    def schedule_status(self) -> dg.DefaultScheduleStatus:
        """The status that schedules have until somebody changes it in the UI."""
        return dg.DefaultScheduleStatus.RUNNING if self.automation else dg.DefaultScheduleStatus.STOPPED

    # Assets.

    def has(self, name: str) -> bool:
        """Whether an asset of the catalog is wanted."""
        part = CATALOG[name].part
        return part is None or part in self.parts

    @property
    def assets(self) -> list[str]:
        """The names of the assets that there are."""
        return [name for name in CATALOG if self.has(name)]

    def key(self, name: str) -> dg.AssetKey:
        """The key of an asset of the catalog."""
        return self._keys[name]

    @property
    def keys(self) -> dict[str, dg.AssetKey]:
        """The keys of all assets that there are, by name."""
        return {name: self._keys[name] for name in self.assets}

    @cached_property
    def _keys(self) -> dict[str, dg.AssetKey]:
        return {name: self.spec(name).key for name in CATALOG}

    def spec(self, name: str, **attributes: Any) -> dg.AssetSpec:
        """The spec of an asset of the catalog, as the user wants it.

        Args:
            name: In the catalog.
            **attributes: What is not in the catalog: `description`, `deps`, `metadata`, `code_version`,
                `automation_condition`.

        Raises:
            dagster.DagsterInvalidDefinitionError: `translate` makes the key depend on one of these attributes.
        """
        entry = CATALOG[name]
        ours = dg.AssetSpec(
            key=[*self.prefix_of_keys, name],
            group_name=self.groups.get(entry.group, self.label(entry.group)),
            kinds={*entry.kinds, *self.kinds},
            owners=list(self.owners),
            tags={**({"pii": ""} if entry.personal else {}), **self.tags},
            **attributes,
        )
        spec = self.translate(ours) if self.translate else ours
        if attributes and spec.key != self.key(name):
            raise dg.DagsterInvalidDefinitionError(
                f"translate gives {name} the key {spec.key.to_user_string()} or {self.key(name).to_user_string()}, as its "
                "description or metadata are: the key may depend on key, group, kinds, owners and tags alone."
            )
        return spec


def _what_is_wrong(name: str, error: ValidationError) -> str:
    """One sentence instead of pydantic's report; it names fields and rules, never what was given."""
    problems = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        field = ".".join(str(part) for part in problem["loc"] if not str(part).startswith("is-instance"))
        if problem["type"] == "extra_forbidden":
            problems.append(f"it has no field {field}")
        elif problem["type"] == "is_instance_of" and "EnvVar" in problem["msg"]:
            problems.append(f'{field} must be dg.EnvVar("NAME"), so that no value stands in the UI')
        else:
            problems.append(f"{field}: {problem['msg'][:1].lower()}{problem['msg'][1:]}")
    return f"{name} cannot be made as it is written: {'; '.join(dict.fromkeys(problems))}."
