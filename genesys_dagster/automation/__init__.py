"""What runs by itself and when: conditions, sensors, schedules, jobs, alerts."""
