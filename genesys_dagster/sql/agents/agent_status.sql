-- Agents' time by half hour and user: seconds in each presence and in each routing status, clipped to the half hour.
--
-- `presence` and `routing` hold the periods of the day and of the days before it, `late` those that Genesys Cloud told with the
-- day although they began before. A period is stored under its start day and its end day only (Genesys developer docs, "User
-- detail query"): one that covers the whole day is found as what was open when the day began.
-- Each period lasts until its end, but at most until the next one of its kind and user begins: ends equal the next start to
-- the millisecond (seen in published answers), and one that was never told must not last for ever. One that is open lasts
-- until the end of the day, all of which is known.
-- What no period covers is unknown, never offline.
WITH periods AS (
    SELECT
        'presence' AS kind,
        user_id,
        start_time,
        end_time,
        system_presence AS status,
        organization_presence_id AS definition
    FROM presence
    WHERE start_time < $day_end
    UNION ALL
    SELECT
        'routing_status' AS kind,
        user_id,
        start_time,
        end_time,
        routing_status AS status,
        NULL AS definition
    FROM routing
    WHERE start_time < $day_end
    UNION ALL
    SELECT
        kind,
        user_id,
        start_time,
        end_time,
        coalesce(system_presence, routing_status) AS status,
        organization_presence_id AS definition
    FROM late
    WHERE start_time < $day_end
),

latest_before AS (
    SELECT
        kind,
        user_id,
        max(start_time) AS start_time
    FROM periods
    WHERE start_time < $day_start
    GROUP BY kind, user_id
),

-- Of each kind and user: what was the latest when the day began, and what began on it.
touching AS (
    SELECT
        kind,
        user_id,
        start_time,
        -- The same period may be known once open and once closed.
        max(end_time) AS end_time,
        any_value(status) AS status,
        any_value(definition) AS definition
    FROM periods
    WHERE
        start_time >= $day_start
        OR (
            coalesce(end_time > $day_start, TRUE)
            AND (kind, user_id, start_time) IN (
                SELECT
                    kind,
                    user_id,
                    start_time
                FROM latest_before
            )
        )
    GROUP BY kind, user_id, start_time
),

clipped AS (
    SELECT
        kind,
        user_id,
        status,
        definition,
        greatest(start_time, $day_start) AS begins,
        least(
            coalesce(end_time, $day_end),
            coalesce(lead(start_time) OVER (PARTITION BY kind, user_id ORDER BY start_time), $day_end),
            $day_end
        ) AS ends
    FROM touching
),

in_half_hours AS (
    SELECT
        kind,
        user_id,
        status,
        definition,
        $day_start + to_minutes(30 * half_hour) AS interval_start,
        date_diff(
            'millisecond',
            greatest(begins, $day_start + to_minutes(30 * half_hour)),
            least(ends, $day_start + to_minutes(30 * (half_hour + 1)))
        ) / 1000 AS seconds
    FROM (
        SELECT
            *,
            unnest(
                range(
                    date_diff('millisecond', $day_start, begins) // 1800000,
                    (date_diff('millisecond', $day_start, ends) + 1799999) // 1800000
                )
            ) AS half_hour
        FROM clipped
        WHERE ends > begins
    )
),

half_hours AS (
    SELECT unnest(generate_series($day_start, $day_end - INTERVAL 30 MINUTE, INTERVAL 30 MINUTE)) AS interval_start
),

agents AS (
    SELECT DISTINCT user_id
    FROM in_half_hours
),

by_definition AS (
    SELECT
        user_id,
        interval_start,
        map_from_entries(list((definition, round(seconds, 3)) ORDER BY definition)) AS presence_definition_seconds
    FROM (
        SELECT
            user_id,
            interval_start,
            definition,
            sum(seconds) AS seconds
        FROM in_half_hours
        WHERE kind = 'presence' AND definition IS NOT NULL
        GROUP BY user_id, interval_start, definition
    )
    GROUP BY user_id, interval_start
),

figures AS (
    SELECT
        user_id,
        interval_start,
        sum(seconds) FILTER (WHERE kind = 'presence') AS presence,
        sum(seconds) FILTER (WHERE kind = 'routing_status') AS routing,
        sum(seconds) FILTER (WHERE kind = 'presence' AND status = 'OFFLINE') AS offline,
        sum(seconds) FILTER (WHERE kind = 'presence' AND status = 'ON_QUEUE') AS on_queue,
        sum(seconds) FILTER (WHERE kind = 'presence' AND status = 'AVAILABLE') AS available,
        sum(seconds) FILTER (WHERE kind = 'presence' AND status = 'BUSY') AS busy,
        sum(seconds) FILTER (WHERE kind = 'presence' AND status = 'AWAY') AS away,
        sum(seconds) FILTER (WHERE kind = 'presence' AND status = 'IDLE') AS system_away,
        sum(seconds) FILTER (WHERE kind = 'presence' AND status = 'BREAK') AS break,
        sum(seconds) FILTER (WHERE kind = 'presence' AND status = 'MEAL') AS meal,
        sum(seconds) FILTER (WHERE kind = 'presence' AND status = 'MEETING') AS meeting,
        sum(seconds) FILTER (WHERE kind = 'presence' AND status = 'TRAINING') AS training,
        sum(seconds) FILTER (WHERE kind = 'routing_status' AND status = 'OFF_QUEUE') AS routing_off_queue,
        sum(seconds) FILTER (WHERE kind = 'routing_status' AND status = 'IDLE') AS idle,
        sum(seconds) FILTER (WHERE kind = 'routing_status' AND status = 'INTERACTING') AS interacting,
        sum(seconds) FILTER (WHERE kind = 'routing_status' AND status = 'NOT_RESPONDING') AS not_responding,
        sum(seconds) FILTER (WHERE kind = 'routing_status' AND status = 'COMMUNICATING') AS communicating
    FROM in_half_hours
    GROUP BY user_id, interval_start
),

named_users AS (
    SELECT
        id,
        any_value(name) AS user_name
    FROM users
    GROUP BY id
)

SELECT
    half_hours.interval_start,
    CAST(timezone($timezone, half_hours.interval_start) AS DATE) AS day,
    strftime(timezone($timezone, half_hours.interval_start), '%H:%M') AS half_hour,
    agents.user_id,
    named_users.user_name,
    -- All presences but offline, on queue or not (Genesys help, glossary, "agent status": offline is logged off).
    round(coalesce(presence, 0) - coalesce(offline, 0), 3) AS logged_in_seconds,
    round(coalesce(on_queue, 0), 3) AS on_queue_seconds,
    round(coalesce(presence, 0) - coalesce(offline, 0) - coalesce(on_queue, 0), 3) AS off_queue_seconds,
    round(coalesce(available, 0), 3) AS available_seconds,
    round(coalesce(busy, 0), 3) AS busy_seconds,
    round(coalesce(away, 0), 3) AS away_seconds,
    round(coalesce(system_away, 0), 3) AS system_away_seconds,
    round(coalesce(break, 0), 3) AS break_seconds,
    round(coalesce(meal, 0), 3) AS meal_seconds,
    round(coalesce(meeting, 0), 3) AS meeting_seconds,
    round(coalesce(training, 0), 3) AS training_seconds,
    round(coalesce(offline, 0), 3) AS offline_seconds,
    round(1800 - coalesce(presence, 0), 3) AS unknown_presence_seconds,
    round(coalesce(idle, 0), 3) AS idle_seconds,
    round(coalesce(interacting, 0), 3) AS interacting_seconds,
    round(coalesce(communicating, 0), 3) AS communicating_seconds,
    round(coalesce(not_responding, 0), 3) AS not_responding_seconds,
    round(coalesce(routing_off_queue, 0), 3) AS routing_off_queue_seconds,
    round(1800 - coalesce(routing, 0), 3) AS unknown_routing_seconds,
    -- Genesys community, "Does occupancy include all busy time": not responding and time off queue are outside.
    coalesce(interacting, 0)
    / nullif(coalesce(interacting, 0) + coalesce(communicating, 0) + coalesce(idle, 0), 0) AS occupancy,
    coalesce(by_definition.presence_definition_seconds, MAP {}) AS presence_definition_seconds
FROM agents
CROSS JOIN half_hours
LEFT JOIN figures ON agents.user_id = figures.user_id AND half_hours.interval_start = figures.interval_start
LEFT JOIN by_definition
    ON agents.user_id = by_definition.user_id AND half_hours.interval_start = by_definition.interval_start
LEFT JOIN named_users ON agents.user_id = named_users.id
ORDER BY half_hours.interval_start, agents.user_id
