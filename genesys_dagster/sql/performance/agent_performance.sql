-- How agents did, by day, agent and media type.
--
-- A metric counts on the day on which Genesys Cloud emitted it, in $timezone, and only with a value and a time: the rules and
-- their sources stand in queue_performance.sql, and so does which metrics are the day's. Definitions of the metrics: Genesys help, "Metric definitions".
WITH user_names AS (
    SELECT id, any_value(name) AS user_name
    FROM users
    GROUP BY id
),

emitted AS (
    SELECT user_id, media_type, name, value, emit_date FROM session_metrics
    UNION ALL
    SELECT user_id, media_type, name, value, emit_date FROM older_metrics
),

measurements AS (
    SELECT
        CAST(timezone($timezone, emit_date) AS DATE) AS day,
        user_id,
        media_type,
        name,
        value,
        value / 1000 AS seconds
    FROM emitted
    WHERE
        user_id IS NOT NULL
        AND value IS NOT NULL
        AND emit_date >= $day_start
        AND emit_date < $day_end
        AND name IN (
            'tAlert', 'tNotResponding', 'tAnswered', 'tHandle', 'tContacting', 'tDialing', 'tTalkComplete',
            'tHeldComplete', 'tAcw', 'nTransferred', 'nBlindTransferred', 'nConsultTransferred', 'nConsult',
            'nOutbound', 'nOutboundConnected'
        )
),

figures AS (
    SELECT
        day,
        user_id,
        media_type,
        count(*) FILTER (WHERE name = 'tAlert') AS alerted,
        sum(seconds) FILTER (WHERE name = 'tAlert') AS alert_seconds,
        -- Alerts that ran out: the agent's status becomes Not Responding and the interaction returns to the queue
        -- (Genesys help, "Set channel behavior and thresholds").
        count(*) FILTER (WHERE name = 'tNotResponding') AS not_responding,
        sum(seconds) FILTER (WHERE name = 'tNotResponding') AS not_responding_seconds,
        -- An agent answers what waited in a queue, also in the queue that another agent transferred it to; who takes over
        -- from an agent directly only handles it (Genesys help, "What is the difference between the Answered and Handle
        -- metrics?").
        count(*) FILTER (WHERE name = 'tAnswered') AS answered,
        count(*) FILTER (WHERE name = 'tHandle') AS handled,
        sum(seconds) FILTER (WHERE name = 'tHandle') AS handle_seconds,
        sum(seconds) FILTER (WHERE name = 'tContacting') AS contacting_seconds,
        sum(seconds) FILTER (WHERE name = 'tDialing') AS dialing_seconds,
        count(*) FILTER (WHERE name = 'tTalkComplete') AS talk_count,
        sum(seconds) FILTER (WHERE name = 'tTalkComplete') AS talk_seconds,
        count(*) FILTER (WHERE name = 'tHeldComplete') AS hold_count,
        sum(seconds) FILTER (WHERE name = 'tHeldComplete') AS hold_seconds,
        count(*) FILTER (WHERE name = 'tAcw') AS acw_count,
        sum(seconds) FILTER (WHERE name = 'tAcw') AS acw_seconds,
        CAST(coalesce(sum(value) FILTER (WHERE name = 'nTransferred'), 0) AS BIGINT) AS transferred,
        CAST(coalesce(sum(value) FILTER (WHERE name = 'nBlindTransferred'), 0) AS BIGINT) AS blind_transferred,
        CAST(coalesce(sum(value) FILTER (WHERE name = 'nConsultTransferred'), 0) AS BIGINT) AS consult_transferred,
        CAST(coalesce(sum(value) FILTER (WHERE name = 'nConsult'), 0) AS BIGINT) AS consulted,
        CAST(coalesce(sum(value) FILTER (WHERE name = 'nOutbound'), 0) AS BIGINT) AS outbound,
        CAST(coalesce(sum(value) FILTER (WHERE name = 'nOutboundConnected'), 0) AS BIGINT) AS outbound_connected
    FROM measurements
    GROUP BY day, user_id, media_type
)

SELECT
    figures.day,
    figures.user_id,
    user_names.user_name,
    figures.media_type,
    figures.alerted,
    round(coalesce(figures.alert_seconds, 0), 3) AS alert_seconds,
    figures.not_responding,
    round(coalesce(figures.not_responding_seconds, 0), 3) AS not_responding_seconds,
    figures.answered,
    figures.handled,
    round(coalesce(figures.handle_seconds, 0), 3) AS handle_seconds,
    round(figures.handle_seconds / nullif(figures.handled, 0), 3) AS handle_seconds_mean,
    round(coalesce(figures.contacting_seconds, 0), 3) AS contacting_seconds,
    round(coalesce(figures.dialing_seconds, 0), 3) AS dialing_seconds,
    figures.talk_count,
    round(coalesce(figures.talk_seconds, 0), 3) AS talk_seconds,
    round(figures.talk_seconds / nullif(figures.talk_count, 0), 3) AS talk_seconds_mean,
    figures.hold_count,
    round(coalesce(figures.hold_seconds, 0), 3) AS hold_seconds,
    round(figures.hold_seconds / nullif(figures.hold_count, 0), 3) AS hold_seconds_mean,
    figures.acw_count,
    round(coalesce(figures.acw_seconds, 0), 3) AS acw_seconds,
    round(figures.acw_seconds / nullif(figures.acw_count, 0), 3) AS acw_seconds_mean,
    figures.transferred,
    figures.blind_transferred,
    figures.consult_transferred,
    figures.consulted,
    figures.outbound,
    figures.outbound_connected
FROM figures
LEFT JOIN user_names ON figures.user_id = user_names.id
ORDER BY figures.day, figures.user_id, figures.media_type
