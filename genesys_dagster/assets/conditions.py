"""When assets are computed by themselves: downstream of `conversation_details`, and the reference snapshots."""

from typing import Any, TypeAlias

import dagster as dg

# Dagster's conditions are invariant in what they can judge, assets or checks; these only ever judge assets.
Condition: TypeAlias = dg.AutomationCondition[Any]


def follow_emitted(metrics: dg.AssetKey, details: dg.AssetKey, late: dg.AssetKey | None) -> Condition:
    """`FOLLOW_UPSTREAM` for what is made of a day's metrics and of what older conversations did on the day.

    What else is upstream must exist, and of the metrics those of the day itself: neither a hole among the days before nor a
    day that was never swept is waited for. Only metrics and late activity recompute anything, and metrics of a day before
    only where the late activity of the day is not there. Changes count that came in one run with the asset itself, too:
    the run may have been for another day.

    Args:
        metrics: The upstream asset of which a partition depends on several days.
        details: What the metrics are made of day by day. By way of it a day finds its own metrics among those days.
        late: The late activity, if there is any.
    """
    new, missing = dg.AutomationCondition.data_version_changed(), dg.AutomationCondition.missing()
    of_any_day: dg.AssetSelection = dg.AssetSelection.assets(metrics)
    changed: Condition = dg.AutomationCondition.any_deps_match(new).allow(of_any_day)
    if late is not None:
        swept = dg.AssetSelection.assets(late)
        of_any_day |= swept
        changed = (
            _own(details, metrics, new)
            | dg.AutomationCondition.any_deps_match(new).allow(swept)
            | (changed & dg.AutomationCondition.any_deps_match(missing).allow(swept))
        )
    others_missing = dg.AutomationCondition.any_deps_missing().ignore(of_any_day)
    return _follow(changed, _own(details, metrics, missing) | others_missing)


def follow_pull(back: dg.AssetSelection, snapshots: dg.AssetSelection) -> Condition:
    """`FOLLOW_UPSTREAM` for what looks back at days before.

    Args:
        back: Upstream assets of which days before are looked at: neither their changes nor their absence count. Another
            upstream asset, of the same run as theirs, stands for the day's own: whatever is new of it counts, also if its
            content is the same.
        snapshots: Upstream assets that must exist but whose changes recompute nothing.
    """
    changed = _changed(dg.AutomationCondition.newly_updated()).ignore(back | snapshots)
    return _follow(changed, dg.AutomationCondition.any_deps_missing().ignore(back))


def _changed(is_new: Condition) -> Any:
    """Whether something upstream is new that did not come in one run with the asset itself."""
    return dg.AutomationCondition.any_deps_match(is_new & ~dg.AutomationCondition.executed_with_root_target())


def _own(details: dg.AssetKey, metrics: dg.AssetKey, condition: Condition) -> Condition:
    """Whether a condition holds for the metrics of the day itself."""
    of_day: Any = dg.AutomationCondition.asset_matches(metrics, condition)
    found: Condition = dg.AutomationCondition.asset_matches(details, of_day).with_label("of the day itself")
    return found


def _follow(changed: Condition, lacking: Condition) -> Condition:
    return (
        (_missing() | _changed_since_requested(changed))
        & ~lacking
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~_wrong_upstream()
        & ~dg.AutomationCondition.in_progress()
    ).with_label("follow_upstream")


def _wrong_upstream() -> Condition:
    # Not `all_deps_blocking_checks_passed`: what was materialized without its checks would be waited for in vain.
    has_failed: Condition = dg.AutomationCondition.any_checks_match(
        dg.AutomationCondition.check_failed(), blocking_only=True
    )
    return dg.AutomationCondition.any_deps_match(has_failed).with_label("a blocking check upstream failed")


def _missing() -> Condition:
    missing = dg.AutomationCondition.missing()
    return (missing & missing.newly_true().since(_requested())).with_label("new and missing")


def _changed_since_requested(changed: Condition) -> Condition:
    # A change in the very tick that resets would be forgotten, because a reset wins over its trigger: hence it
    # counts for the tick after it too. Only a request resets, not a materialization, which may be based on a
    # version from before the change.
    one_tick_later = (~changed).newly_true().with_label("upstream data changed one tick ago")
    trigger: Condition = changed | one_tick_later
    return trigger.since(_requested()).with_label("upstream data changed since requested")


def _requested() -> Condition:
    return (
        dg.AutomationCondition.newly_requested() | dg.AutomationCondition.initial_evaluation()
    ).with_label("requested")


FOLLOW_UPSTREAM = _follow(
    _changed(dg.AutomationCondition.data_version_changed()),
    dg.AutomationCondition.any_deps_missing(),
)
"""Follow upstream: compute a partition once its inputs exist, and again whenever their content changes.

A partition is requested when
- it is missing and became so after the condition took effect (a new day), or the data version of one of its
  upstream partitions changed, whichever partition that is: a refreshed day of last month counts too;
- none of its upstream partitions is missing, being computed, or known to be wrong (a blocking check of it failed), and
  it is not being computed itself.

An upstream run that brings the same content keeps the data version and causes nothing. Neither does upstream
that was computed in one run with the asset itself. Deploying the condition does not recompute history.

Unlike `AutomationCondition.eager()`, a change that arrives while the asset is being computed is never taken as
handled by that computation, which may have read the version before: the asset is computed once more.
"""


def every_morning(timezone: str) -> Condition:
    """Take a snapshot when there is none yet, and every morning at 04:00, before the reports of the day are made.

    A snapshot that fails is taken the next morning (its steps are retried before). Unlike `follow_upstream`, deploying
    the condition takes a missing snapshot at once: others wait for it.

    Args:
        timezone: The time zone of the morning.

    Returns:
        The condition, for unpartitioned assets that hang on no other one.
    """
    is_time = dg.AutomationCondition.cron_tick_passed("0 4 * * *", timezone)
    became_missing = dg.AutomationCondition.missing().newly_true()
    return ((became_missing | is_time) & ~dg.AutomationCondition.in_progress()).with_label("every_morning")
