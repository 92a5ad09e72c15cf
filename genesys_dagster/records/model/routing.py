"""Whom routing considered for a session: the agent groups and the proposed agents.

Source of names and meanings: Genesys Cloud SDK 269, models/analytics_agent_group.py and
analytics_proposed_agent.py.
"""

from genesys_dagster.records.field import Field, choice, count, reference

AGENT_GROUP: list[Field] = [
    reference("agentGroupId", "Group of agents used by conditional group routing, by id."),
    choice("agentGroupType", "Kind of agent group: Group, SkillGroup or Team."),
]

PROPOSED_AGENT: list[Field] = [
    count("agentRank", "Place of the agent among those proposed by predictive routing; lower is better."),
    reference("proposedAgentId", "Agent whom predictive routing proposed."),
]
