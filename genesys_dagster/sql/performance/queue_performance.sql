-- How queues did, by half hour, queue, media type and direction.
--
-- A metric counts in the half hour in which Genesys Cloud emitted it, not in the one in which its conversation began
-- (Genesys help, "Why does the Offered metric not always equal the Answered plus Abandoned metrics?" and "What is the
-- difference between the Answered and Handle metrics?"; developer forum, thread 18235: metrics named n… are emitted
-- when they happen, those named t… when what they measure ends). Half hours are those of the wall clock in $timezone.
-- Values named t… are milliseconds (Genesys developer docs, "User-defined Views on Aggregations"); seconds here.
-- Definitions of the metrics: Genesys help, "Metric definitions".
-- What is emitted from $day_start to $day_end is the day's, be it of a conversation that began on it (session_metrics) or
-- before (older_metrics).
-- A metric without value counts nowhere, so that every total has the number that its mean is of. Inferred: Genesys's
-- aggregates tell count and sum of the same emissions, and no null is documented. Neither does one without emitDate: it is
-- in no half hour (each metric has one: developer forum, thread 18235). The materialization says how many those are.
WITH named_queues AS (
    SELECT
        id,
        any_value(name) AS queue_name,
        -- SDK 269, models/queue_media_settings.py and service_level.py: mediaSettings.{medium}.serviceLevel.durationMs
        any_value(unknown_fields) AS settings
    FROM queues
    GROUP BY id
),

emitted AS (
    SELECT queue_id, media_type, direction, name, value, emit_date FROM session_metrics
    UNION ALL
    SELECT queue_id, media_type, direction, name, value, emit_date FROM older_metrics
),

measurements AS (
    SELECT
        metric.queue_id,
        named_queues.queue_name,
        metric.media_type,
        metric.direction,
        metric.name,
        metric.value,
        metric.value / 1000 AS seconds,
        metric.emit_date,
        timezone($timezone, metric.emit_date) AS wall_clock,
        coalesce(
            map($media_types, $target_seconds_of_media)[metric.media_type], $target_seconds
        ) AS configured_target,
        -- The queue's own, as it is set today.
        TRY_CAST(
            json_extract_string(
                named_queues.settings,
                -- A JSON pointer: unlike a path it takes any name of a medium.
                '/mediaSettings/'
                || CASE metric.media_type WHEN 'voice' THEN 'call' ELSE metric.media_type END
                || '/serviceLevel/durationMs'
            ) AS DOUBLE
        ) / 1000 AS own_target
    FROM emitted AS metric
    LEFT JOIN named_queues ON metric.queue_id = named_queues.id
    WHERE
        metric.queue_id IS NOT NULL
        AND metric.value IS NOT NULL
        AND metric.emit_date >= $day_start
        AND metric.emit_date < $day_end
        AND metric.name IN (
            'nOffered', 'tAnswered', 'tAbandon', 'tShortAbandon', 'tFlowOut', 'nOverSla', 'tHandle',
            'tTalkComplete', 'tHeldComplete', 'tAcw', 'nTransferred', 'nBlindTransferred', 'nConsultTransferred'
        )
),

in_half_hours AS (
    SELECT
        *,
        time_bucket(INTERVAL 30 MINUTE, wall_clock) AS half_hour_start,
        -- Subtracting from the instant keeps the two equal half hours apart when clocks are set back.
        emit_date - (wall_clock - time_bucket(INTERVAL 30 MINUTE, wall_clock)) AS interval_start
    FROM measurements
),

figures AS (
    SELECT
        interval_start,
        half_hour_start,
        queue_id,
        queue_name,
        media_type,
        direction,
        configured_target,
        own_target,
        -- Interactions routed to the queue for an agent to answer.
        CAST(coalesce(sum(value) FILTER (WHERE name = 'nOffered'), 0) AS BIGINT) AS offered,
        -- Each tAnswered, tAbandon … is one interaction, its value the time that it waited.
        count(*) FILTER (WHERE name = 'tAnswered') AS answered,
        count(*) FILTER (WHERE name = 'tAbandon') AS abandoned,
        -- Short abandons are abandons too (Genesys help, "What type of situations do abandons include in Genesys Cloud?").
        count(*) FILTER (WHERE name = 'tShortAbandon') AS short_abandoned,
        count(*) FILTER (WHERE name = 'tFlowOut') AS flowed_out,
        -- Answered later than the target that the queue had then; comes with answers only (the same published aggregates: none
        -- with 40 abandons of up to 835 seconds).
        CAST(coalesce(sum(value) FILTER (WHERE name = 'nOverSla'), 0) AS BIGINT) AS over_sla,
        count(*) FILTER (
            WHERE name = 'tAnswered' AND seconds <= coalesce(configured_target, $fallback_target_seconds)
        ) AS answered_in_configured_target,
        sum(seconds) FILTER (WHERE name = 'tAnswered') AS answer_seconds,
        median(seconds) FILTER (WHERE name = 'tAnswered') AS answer_seconds_median,
        quantile_cont(seconds, 0.95) FILTER (WHERE name = 'tAnswered') AS answer_seconds_p95,
        sum(seconds) FILTER (WHERE name = 'tAbandon') AS abandon_seconds,
        median(seconds) FILTER (WHERE name = 'tAbandon') AS abandon_seconds_median,
        quantile_cont(seconds, 0.95) FILTER (WHERE name = 'tAbandon') AS abandon_seconds_p95,
        -- tHandle is emitted once all of it is over: contacting, dialing, talk, hold and after-call work.
        count(*) FILTER (WHERE name = 'tHandle') AS handled,
        sum(seconds) FILTER (WHERE name = 'tHandle') AS handle_seconds,
        count(*) FILTER (WHERE name = 'tTalkComplete') AS talk_count,
        sum(seconds) FILTER (WHERE name = 'tTalkComplete') AS talk_seconds,
        count(*) FILTER (WHERE name = 'tHeldComplete') AS hold_count,
        sum(seconds) FILTER (WHERE name = 'tHeldComplete') AS hold_seconds,
        count(*) FILTER (WHERE name = 'tAcw') AS acw_count,
        sum(seconds) FILTER (WHERE name = 'tAcw') AS acw_seconds,
        CAST(coalesce(sum(value) FILTER (WHERE name = 'nTransferred'), 0) AS BIGINT) AS transferred,
        CAST(coalesce(sum(value) FILTER (WHERE name = 'nBlindTransferred'), 0) AS BIGINT) AS blind_transferred,
        CAST(coalesce(sum(value) FILTER (WHERE name = 'nConsultTransferred'), 0) AS BIGINT) AS consult_transferred
    FROM in_half_hours
    GROUP BY interval_start, half_hour_start, queue_id, queue_name, media_type, direction, configured_target, own_target
),

judged AS (
    SELECT
        *,
        -- What was answered in time has no nOverSla, so it does not tell by itself whether there was a target. Certain where
        -- any of the day's has one in the medium; inferred for calls (a new queue has a target: Genesys help, "Create and
        -- configure queues") and where the queue has one today. Not so for callbacks, which have a service level of their own
        -- (oCallbackServiceLevel, nCallbackOverSla): whether they have nOverSla, too, is not published.
        coalesce(sum(over_sla) OVER (PARTITION BY media_type) > 0, FALSE)
        OR coalesce(media_type = 'voice', FALSE)
        OR (own_target IS NOT NULL AND coalesce(media_type <> 'callback', FALSE)) AS is_judged,
        coalesce(configured_target, CASE WHEN NOT is_judged THEN $fallback_target_seconds END) AS compared_target
    FROM figures
),

based AS (
    SELECT
        *,
        coalesce(compared_target, own_target) AS target_seconds,
        -- As Genesys Cloud: tAnswered less nOverSla (Genesys staff, developer forum, thread 21914). Only a target that is
        -- configured here is compared with.
        CASE
            WHEN compared_target IS NOT NULL THEN answered_in_configured_target
            WHEN is_judged THEN answered - over_sla
        END AS answered_in_target,
        -- The denominator of Genesys help, "Configure the service level calculation", with its three switches. Where it is
        -- not known that there is a target, it is unknown like the numerator, so that the two add up to a service level.
        CASE
            WHEN is_judged OR compared_target IS NOT NULL
                THEN answered
                + CASE
                    WHEN NOT $include_abandons THEN 0
                    WHEN NOT $include_short_abandons THEN abandoned - short_abandoned
                    ELSE abandoned
                END
                + CASE WHEN $include_flow_outs THEN flowed_out ELSE 0 END
        END AS service_level_base
    FROM judged
)

SELECT
    interval_start,
    CAST(half_hour_start AS DATE) AS day,
    strftime(half_hour_start, '%H:%M') AS half_hour,
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
    target_seconds,
    answered_in_target,
    service_level_base,
    answered_in_target / nullif(service_level_base, 0) AS service_level,
    over_sla,
    round(coalesce(answer_seconds, 0), 3) AS answer_seconds,
    round(answer_seconds / nullif(answered, 0), 3) AS answer_seconds_mean,
    round(answer_seconds_median, 3) AS answer_seconds_median,
    round(answer_seconds_p95, 3) AS answer_seconds_p95,
    round(coalesce(abandon_seconds, 0), 3) AS abandon_seconds,
    round(abandon_seconds / nullif(abandoned, 0), 3) AS abandon_seconds_mean,
    round(abandon_seconds_median, 3) AS abandon_seconds_median,
    round(abandon_seconds_p95, 3) AS abandon_seconds_p95,
    handled,
    round(coalesce(handle_seconds, 0), 3) AS handle_seconds,
    round(handle_seconds / nullif(handled, 0), 3) AS handle_seconds_mean,
    talk_count,
    round(coalesce(talk_seconds, 0), 3) AS talk_seconds,
    round(talk_seconds / nullif(talk_count, 0), 3) AS talk_seconds_mean,
    hold_count,
    round(coalesce(hold_seconds, 0), 3) AS hold_seconds,
    round(hold_seconds / nullif(hold_count, 0), 3) AS hold_seconds_mean,
    acw_count,
    round(coalesce(acw_seconds, 0), 3) AS acw_seconds,
    round(acw_seconds / nullif(acw_count, 0), 3) AS acw_seconds_mean,
    transferred,
    blind_transferred,
    consult_transferred
FROM based
ORDER BY interval_start, queue_id, media_type, direction
