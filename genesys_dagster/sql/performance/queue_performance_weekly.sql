-- queue_performance rolled up to weeks from Monday on, by queue, media type and direction.
--
-- Counts and totals add up, means and rates are made from them again. Medians and percentiles cannot be made from
-- those of half hours, so there are none here. Where no target is known, there is no base either: the service level is
-- that of the rows with a target.
WITH figures AS (
    SELECT
        CAST(date_trunc('week', day) AS DATE) AS week,
        queue_id,
        any_value(queue_name) AS queue_name,
        media_type,
        direction,
        CAST(sum(offered) AS BIGINT) AS offered,
        CAST(sum(answered) AS BIGINT) AS answered,
        CAST(sum(abandoned) AS BIGINT) AS abandoned,
        CAST(sum(short_abandoned) AS BIGINT) AS short_abandoned,
        CAST(sum(flowed_out) AS BIGINT) AS flowed_out,
        CAST(sum(answered_in_target) AS BIGINT) AS answered_in_target,
        CAST(sum(service_level_base) AS BIGINT) AS service_level_base,
        CAST(sum(over_sla) AS BIGINT) AS over_sla,
        sum(answer_seconds) AS answer_seconds,
        sum(abandon_seconds) AS abandon_seconds,
        CAST(sum(handled) AS BIGINT) AS handled,
        sum(handle_seconds) AS handle_seconds,
        CAST(sum(talk_count) AS BIGINT) AS talk_count,
        sum(talk_seconds) AS talk_seconds,
        CAST(sum(hold_count) AS BIGINT) AS hold_count,
        sum(hold_seconds) AS hold_seconds,
        CAST(sum(acw_count) AS BIGINT) AS acw_count,
        sum(acw_seconds) AS acw_seconds,
        CAST(sum(transferred) AS BIGINT) AS transferred,
        CAST(sum(blind_transferred) AS BIGINT) AS blind_transferred,
        CAST(sum(consult_transferred) AS BIGINT) AS consult_transferred
    FROM queue_performance
    GROUP BY week, queue_id, media_type, direction
)

SELECT
    week,
    queue_id,
    queue_name,
    media_type,
    direction,
    offered,
    answered,
    abandoned,
    short_abandoned,
    flowed_out,
    abandoned / nullif(offered, 0) AS abandon_rate,
    answered_in_target,
    service_level_base,
    answered_in_target / nullif(service_level_base, 0) AS service_level,
    over_sla,
    round(answer_seconds, 3) AS answer_seconds,
    round(answer_seconds / nullif(answered, 0), 3) AS answer_seconds_mean,
    round(abandon_seconds, 3) AS abandon_seconds,
    round(abandon_seconds / nullif(abandoned, 0), 3) AS abandon_seconds_mean,
    handled,
    round(handle_seconds, 3) AS handle_seconds,
    round(handle_seconds / nullif(handled, 0), 3) AS handle_seconds_mean,
    talk_count,
    round(talk_seconds, 3) AS talk_seconds,
    round(talk_seconds / nullif(talk_count, 0), 3) AS talk_seconds_mean,
    hold_count,
    round(hold_seconds, 3) AS hold_seconds,
    round(hold_seconds / nullif(hold_count, 0), 3) AS hold_seconds_mean,
    acw_count,
    round(acw_seconds, 3) AS acw_seconds,
    round(acw_seconds / nullif(acw_count, 0), 3) AS acw_seconds_mean,
    transferred,
    blind_transferred,
    consult_transferred
FROM figures
ORDER BY week, queue_id, media_type, direction
