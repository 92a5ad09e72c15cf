"""What is wanted of the lake and not there yet: which step of which day, since when, how often tried, and when next.

One notion for new days, refreshes, updates, sweeps and checks. What is wanted follows from what is there; how often it
was tried follows from the runs, which carry the step as a tag. Nothing is ever given up while it is wanted.
"""
