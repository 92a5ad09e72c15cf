-- Agents' time by day and user: agent_status added up, with the first login and the last logout of the day.
--
-- A login is the end of being offline, a logout the start of it (inferred: Genesys Cloud computes its columns from the same
-- periods, by a rule that is not published). Who was logged in when the day began has no login then, only later ones.
WITH offline AS (
    SELECT
        user_id,
        start_time,
        -- Known once open and once closed: the same period.
        max(end_time) AS end_time
    FROM (
        SELECT
            user_id,
            start_time,
            end_time,
            system_presence
        FROM presence
        UNION ALL
        SELECT
            user_id,
            start_time,
            end_time,
            system_presence
        FROM late
        WHERE kind = 'presence'
    )
    WHERE system_presence = 'OFFLINE'
    GROUP BY user_id, start_time
),

-- Offline to offline, under another definition, is neither logout nor login.
logins AS (
    SELECT
        user_id,
        min(end_time) AS first_login
    FROM offline AS ended
    WHERE
        end_time >= $day_start
        AND end_time < $day_end
        AND NOT EXISTS (
            SELECT 1
            FROM offline AS following
            WHERE following.user_id = ended.user_id AND following.start_time = ended.end_time
        )
    GROUP BY user_id
),

logouts AS (
    SELECT
        user_id,
        max(start_time) AS last_logout
    FROM offline AS begun
    WHERE
        start_time >= $day_start
        AND start_time < $day_end
        AND NOT EXISTS (
            SELECT 1
            FROM offline AS earlier
            WHERE earlier.user_id = begun.user_id AND earlier.end_time = begun.start_time
        )
    GROUP BY user_id
),

by_definition AS (
    SELECT
        user_id,
        map_from_entries(list((definition, seconds) ORDER BY definition)) AS presence_definition_seconds
    FROM (
        SELECT
            user_id,
            entry.key AS definition,
            round(sum(entry.value), 3) AS seconds
        FROM (
            SELECT
                user_id,
                unnest(map_entries(presence_definition_seconds)) AS entry
            FROM agent_status
        )
        GROUP BY user_id, definition
    )
    GROUP BY user_id
),

days AS (
    SELECT
        day,
        user_id,
        any_value(user_name) AS user_name,
        sum(logged_in_seconds) AS logged_in_seconds,
        sum(on_queue_seconds) AS on_queue_seconds,
        sum(off_queue_seconds) AS off_queue_seconds,
        sum(available_seconds) AS available_seconds,
        sum(busy_seconds) AS busy_seconds,
        sum(away_seconds) AS away_seconds,
        sum(system_away_seconds) AS system_away_seconds,
        sum(break_seconds) AS break_seconds,
        sum(meal_seconds) AS meal_seconds,
        sum(meeting_seconds) AS meeting_seconds,
        sum(training_seconds) AS training_seconds,
        sum(offline_seconds) AS offline_seconds,
        sum(unknown_presence_seconds) AS unknown_presence_seconds,
        sum(idle_seconds) AS idle_seconds,
        sum(interacting_seconds) AS interacting_seconds,
        sum(communicating_seconds) AS communicating_seconds,
        sum(not_responding_seconds) AS not_responding_seconds,
        sum(routing_off_queue_seconds) AS routing_off_queue_seconds,
        sum(unknown_routing_seconds) AS unknown_routing_seconds
    FROM agent_status
    GROUP BY day, user_id
)

SELECT
    days.day,
    days.user_id,
    days.user_name,
    logins.first_login,
    logouts.last_logout,
    round(days.logged_in_seconds, 3) AS logged_in_seconds,
    round(days.on_queue_seconds, 3) AS on_queue_seconds,
    round(days.off_queue_seconds, 3) AS off_queue_seconds,
    round(days.available_seconds, 3) AS available_seconds,
    round(days.busy_seconds, 3) AS busy_seconds,
    round(days.away_seconds, 3) AS away_seconds,
    round(days.system_away_seconds, 3) AS system_away_seconds,
    round(days.break_seconds, 3) AS break_seconds,
    round(days.meal_seconds, 3) AS meal_seconds,
    round(days.meeting_seconds, 3) AS meeting_seconds,
    round(days.training_seconds, 3) AS training_seconds,
    round(days.offline_seconds, 3) AS offline_seconds,
    round(days.unknown_presence_seconds, 3) AS unknown_presence_seconds,
    round(days.idle_seconds, 3) AS idle_seconds,
    round(days.interacting_seconds, 3) AS interacting_seconds,
    round(days.communicating_seconds, 3) AS communicating_seconds,
    round(days.not_responding_seconds, 3) AS not_responding_seconds,
    round(days.routing_off_queue_seconds, 3) AS routing_off_queue_seconds,
    round(days.unknown_routing_seconds, 3) AS unknown_routing_seconds,
    days.interacting_seconds
    / nullif(days.interacting_seconds + days.communicating_seconds + days.idle_seconds, 0) AS occupancy,
    coalesce(by_definition.presence_definition_seconds, MAP {}) AS presence_definition_seconds
FROM days
LEFT JOIN logins ON days.user_id = logins.user_id
LEFT JOIN logouts ON days.user_id = logouts.user_id
LEFT JOIN by_definition ON days.user_id = by_definition.user_id
ORDER BY days.user_id
