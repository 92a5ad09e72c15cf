"""Dagster's door to Genesys Cloud: configuration only. What it configures lives in `genesys/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg
from pydantic import ConfigDict, Field, ValidationError, field_serializer

from genesys_dagster import environment
from genesys_dagster.extract.commit import DEFAULT_DELETIONS, DEFAULT_DELETIONS_PERCENT, Policy
from genesys_dagster.genesys.errors import ConfigurationError
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.settings import ClientSettings, SettingNames

if TYPE_CHECKING:
    from genesys_dagster.extract.export import ConversationExport
    from genesys_dagster.extract.sweep import Sweep
    from genesys_dagster.extract.user_status import UserStatus
    from genesys_dagster.genesys.client import GenesysClient
    from genesys_dagster.genesys.conversation_details import ConversationDetails
    from genesys_dagster.genesys.job_memory import JobLedger, Later
    from genesys_dagster.genesys.jobs import JobSettings
    from genesys_dagster.genesys.user_details import UserDetails

VARIABLES: Mapping[str, str] = {
    **environment.CONNECTION,
    "deletions_allowed": environment.DELETIONS,
    "deletions_allowed_percent": environment.DELETIONS_PERCENT,
}
_A_WEEK = 7 * 24 * 60.0  # minutes


class GenesysResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """A Genesys Cloud org and an OAuth client (grant type client credentials) that may read its analytics.

    A field left empty takes the environment variable that `variables` names when a run needs it, so secrets need not
    stand in the run configuration. The OAuth client needs a role with the permission `analytics:conversationDetail:view` in every
    division whose conversations are wanted; other divisions' conversations are silently missing from the answers.

    Example:
        ```python
        GenesysResource(region="eu-central-1", client_id=dg.EnvVar("ID"), client_secret=dg.EnvVar("SECRET"))
        ```
    """

    # Neither an error nor a dump of the fields shows what was given: it may be the secret.
    model_config = ConfigDict(hide_input_in_errors=True)

    client_id: str = Field(default="", description="OAuth client id. Empty: GENESYSCLOUD_OAUTHCLIENT_ID.")
    client_secret: str = Field(
        default="",
        repr=False,
        description="OAuth client secret. Empty: GENESYSCLOUD_OAUTHCLIENT_SECRET. Give it as dg.EnvVar: Dagster's UI "
        "shows what is written here.",
    )
    region: str = Field(
        default="",
        description="AWS region name (us-east-1 or us_east_1) or domain (mypurecloud.de) of the org. "
        "Empty: GENESYSCLOUD_REGION, else us-east-1.",
    )
    api_url: str = Field(
        default="", description="Base URL of the API instead of the region's. Empty: GENESYSCLOUD_API_URL."
    )
    login_url: str = Field(
        default="",
        description="Base URL of the login host instead of the region's. Empty: GENESYSCLOUD_LOGIN_URL.",
    )
    auth: Literal["http", "sdk"] = Field(
        default="http",
        description="Who obtains the token: this package, or the official SDK PureCloudPlatformClientV2 (extra `sdk`).",
    )
    source: Literal["auto", "job", "query"] = Field(
        default="auto",
        description="Where conversations come from: the bulk job, complete up to its watermark and with participant "
        "attributes; the interactive query, fresher; or the job as soon as the watermark has passed the day.",
    )
    paging: Literal["number", "cursor"] = Field(
        default="number",
        description="How the interactive query pages. `cursor` is for gateways with `pageToken`.",
    )
    query_page_size: int = Field(
        default=100, ge=1, le=100, description="Conversations per page of the query."
    )
    job_page_size: int = Field(default=1000, ge=1, description="Conversations per page of job results.")
    job_slices: int | None = Field(
        default=None,
        ge=1,
        description="Bulk jobs into which a day is cut, by time. Pages of one job come one after another: where each "
        "takes a second, nine slices are five times as fast, for four more requests each and the memory of up to eight "
        "pages for each of those under way. Empty: 1, but more for large days where answers take long.",
    )
    jobs_ahead: int = Field(
        default=2,
        ge=0,
        description="In a run over several days, how many of the next days' bulk jobs are submitted while a day is read, so "
        "that Genesys Cloud makes their results meanwhile. They count against the jobs that the organization may have at "
        "once; where it takes no more, each waits for its turn. 0: one job at a time.",
    )
    max_concurrency: int = Field(default=10, ge=1, description="Requests in flight at once.")
    requests_per_minute: int = Field(
        default=300,
        ge=1,
        description="Most requests per minute of all connections of this OAuth client in a process, with "
        "rate_limit_store of all processes; Genesys allows 300 per token unless raised.",
    )
    rate_limit_store: str = Field(
        default="",
        repr=False,
        description="Where all processes that use this OAuth client keep one rate limit together (extra `store`): "
        "redis://, postgresql:// or, on one machine, sqlite:////folder/file.sqlite. Give it as dg.EnvVar if it holds a "
        "password. Empty: GENESYS_RATE_LIMIT_STORE, else each process keeps its own.",
    )
    request_timeout: float = Field(
        default=120.0,
        gt=0,
        allow_inf_nan=False,
        description="Seconds until an unanswered request is repeated.",
    )
    max_attempts: int = Field(
        default=8,
        ge=1,
        description="Attempts per request before the step fails; with the pauses between them, eight take a minute or "
        "as long as the server asks.",
    )
    variables: dict[str, str] = Field(
        default_factory=lambda: dict(VARIABLES),
        description="Which environment variable a field takes if it is left empty, by the field's name. Without an entry "
        "it takes none.",
    )
    max_job_wait_minutes: float = Field(
        default=120.0,
        gt=0,
        le=_A_WEEK,
        description="Longest wait for a bulk job to finish, and for leave to submit it.",
    )

    deletions_allowed: int | None = Field(
        default=None,
        ge=0,
        description="Conversations of the stored version that a pull may lack without being refused: deletions. Empty: "
        f"{environment.DELETIONS}, else {DEFAULT_DELETIONS}.",
    )
    deletions_allowed_percent: float | None = Field(
        default=None,
        ge=0,
        le=100,
        description=f"The same in percent of the day, if that is more. Empty: {environment.DELETIONS_PERCENT}, else "
        f"{DEFAULT_DELETIONS_PERCENT:g}.",
    )

    def commit_policy(self, *, accept_loss: bool = False, is_last_attempt: bool = False) -> Policy:
        """What passes when a version of a day is to be committed.

        Args:
            accept_loss: Whether somebody accepts whatever this version lacks.
            is_last_attempt: Whether a shortfall has shown before.

        Raises:
            ConfigurationError: A variable cannot be read.
        """
        return Policy(
            deletions=int(self._number("deletions_allowed", DEFAULT_DELETIONS, "10")),
            deletions_percent=self._number("deletions_allowed_percent", DEFAULT_DELETIONS_PERCENT, "1.5"),
            accept_loss=accept_loss,
            is_last_attempt=is_last_attempt,
        )

    if not TYPE_CHECKING:  # which knows the fields by themselves, and would forget them over this

        def __init__(self, **data: Any) -> None:
            if unknown := sorted(data.keys() - type(self).model_fields.keys()):
                raise ConfigurationError(f"GenesysResource has no field {', '.join(unknown)}")
            try:
                super().__init__(**data)
            except ValidationError as error:
                raise ConfigurationError(_what_is_wrong(error)) from None

    @field_serializer("client_secret", "rate_limit_store")
    def _hide(self, value: str) -> str:
        return "***" if value else ""

    def settings(self) -> ClientSettings:
        """The client's settings, environment variables filled in.

        Raises:
            ConfigurationError: a setting is missing or wrong; the message names its variable.
        """
        return ClientSettings(
            client_id=self._text("client_id"),
            client_secret=self._text("client_secret"),
            region=self._text("region") or "us-east-1",
            api_url=self._text("api_url") or None,
            login_url=self._text("login_url") or None,
            rate_limit_store=self._text("rate_limit_store") or None,
            names=SettingNames(**{field: self._called(field) for field in environment.CONNECTION}),
            auth=self.auth,
            max_concurrency=self.max_concurrency,
            requests_per_minute=self.requests_per_minute,
            request_timeout=self.request_timeout,
            max_attempts=self.max_attempts,
        )

    def _called(self, field: str) -> str:
        """How errors name a field: by the variable that has it, else by itself."""
        return self.variables.get(field) or f"`{field}`"

    def _text(self, field: str) -> str:
        name = self.variables.get(field, "")
        return getattr(self, field) or environment.variable(name) or _of_file(name)

    def _number(self, field: str, default: float, example: str) -> float:
        value: float | None = getattr(self, field)
        if value is not None:
            return value
        try:
            said = environment.number(self.variables.get(field, ""))
        except ValueError as error:
            raise ConfigurationError(str(error), remedy=f"Write a number such as {example}.") from None
        return default if said is None else said

    def client(self) -> GenesysClient:
        """A client for `async with`, in assets, sensors and notebooks alike."""
        from genesys_dagster.genesys.client import GenesysClient

        return GenesysClient(self.settings())

    def conversation_details(
        self,
        client: GenesysClient,
        ledger: JobLedger | None = None,
        *,
        may_query: bool = True,
        later: Sequence[Later] = (),
    ) -> ConversationDetails:
        """The reader of conversation details that this configuration asks for; arguments as of its class."""
        from genesys_dagster.genesys.conversation_details import ConversationDetails

        return ConversationDetails(
            client,
            source=self.source,
            paging=self.paging,
            query_page_size=self.query_page_size,
            job_page_size=self.job_page_size,
            max_job_wait=timedelta(minutes=self.max_job_wait_minutes),
            job_slices=self.job_slices,
            ledger=ledger,
            may_query=may_query,
            later=later[: self.jobs_ahead],
        )

    def sweep(
        self,
        intervals: Sequence[Interval],
        ledger: Callable[[Interval], JobLedger] | None = None,
        later: Sequence[Interval] = (),
    ) -> Sweep:
        """The conversations that began before an interval and in which something happened during it.

        Args:
            intervals: When activity counts, in time order.
            ledger: Where the bulk job of an interval is remembered, so that a run that dies leaves it to the next.
            later: What is swept after them; the jobs of the first `jobs_ahead` are submitted with theirs.

        Returns:
            What reads them: nothing is asked before its `rows()`.

        Raises:
            ConfigurationError: as `settings`.
        """
        from genesys_dagster.extract.sweep import Sweep

        self.settings()
        return Sweep(self.client, intervals, self._job_settings(), ledger, later=later, ahead=self.jobs_ahead)

    def user_status(
        self, window: Interval, ledger: JobLedger | None = None, later: Sequence[Later] = ()
    ) -> UserStatus:
        """Read the periods of presence and routing status of a day.

        Args:
            window: The day.
            ledger: Where the bulk job is remembered, so that a run that dies leaves it to the next.
            later: What is read after it; the jobs of the first `jobs_ahead` are submitted with its own.

        Raises:
            ConfigurationError: as `settings`.
            GenesysError: The API cannot be read.
            DecodeError: What it answers is not a page of user details.
        """
        from genesys_dagster.extract.user_status import read_user_status
        from genesys_dagster.genesys.user_details import UserDetails

        self.settings()

        def details(client: GenesysClient) -> UserDetails:
            return UserDetails(
                client,
                source=self.source,
                paging=self.paging,
                page_size=self.query_page_size,
                settings=self._job_settings(),
                ledger=ledger,
                later=later[: self.jobs_ahead],
            )

        return read_user_status(self.client, details, window)

    def _job_settings(self) -> JobSettings:
        from genesys_dagster.genesys.jobs import JobSettings

        return JobSettings(
            page_size=self.job_page_size, max_wait=timedelta(minutes=self.max_job_wait_minutes)
        )

    def export(
        self,
        interval: Interval,
        ledger: JobLedger | None = None,
        *,
        may_query: bool = True,
        later: Sequence[Later] = (),
    ) -> ConversationExport:
        """The conversations that start in the interval, as typed batches.

        Args:
            interval: The window.
            ledger: Where bulk jobs are remembered, so that a run that dies leaves its job to the next.
            may_query: Whether `source="auto"` may fall back to the interactive query.
            later: What is exported after it; the jobs of the first `jobs_ahead` are submitted with its own.

        Raises:
            ConfigurationError: as `settings`.
        """
        from genesys_dagster.extract.export import ConversationExport

        self.settings()
        return ConversationExport(
            self.client,
            lambda client: self.conversation_details(client, ledger, may_query=may_query, later=later),
            interval,
        )


def _of_file(name: str) -> str:
    """What stands in the file that is named instead of a variable's text; empty without one."""
    variable = environment.of_file(name)
    if not name or not (path := environment.variable(variable)):
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"the file that {variable} names cannot be read ({type(error).__name__})",
            remedy="Mount it where the run runs, readable by its user, or unset the variable.",
        ) from None


def _what_is_wrong(error: ValidationError) -> str:
    """One sentence instead of pydantic's report; it names fields and rules, never what was given."""
    problems = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        field = ".".join(str(part) for part in problem["loc"])
        variable = f" ({VARIABLES[field]})" if field in VARIABLES else ""
        problems.append(f"{field}{variable}: {problem['msg'][:1].lower()}{problem['msg'][1:]}")
    return f"GenesysResource cannot be used as it is written: {'; '.join(problems)}"
