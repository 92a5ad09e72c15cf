"""Agents' time: every user's presence and routing status at any moment, and the records Genesys keeps of them.

`work` finds what the org's conversations ask of whom, `shifts` and `routing` make a user's UTC day from it,
`timeline` joins days to periods, `storage` keeps them as Genesys Cloud does.
"""
