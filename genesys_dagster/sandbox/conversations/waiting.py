"""How long customers wait for an agent, and how long they are willing to.

Most are answered at once, after the seconds in which an agent's telephone rings. The busier the hour, the more find
all agents taken and queue, which is what bends the service level down at the peaks of the day. The figures aim at what
contact centres plan for, 80 % of calls within the target, and lose a few percent of the callers.
"""

from dataclasses import dataclass

from genesys_dagster.sandbox.conversations.draft import Draft
from genesys_dagster.sandbox.times import MINUTE, SECOND

_SPREAD = 0.9
_RINGING = (2 * SECOND, 9 * SECOND)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The queueing of a medium.

    Attributes:
        queued: Share of customers who queue at the peak of the busiest day.
        wait: Median wait (ms) of those who queue.
        patience: Median time (ms) after which a customer gives up.
    """

    queued: float
    wait: int
    patience: int

    def draw(self, draft: Draft) -> tuple[int, int]:
        """The wait and the patience (ms) of one customer; who has less patience than wait gives up."""
        dice = draft.dice
        wait = dice.between(*_RINGING)
        if dice.chance(self.queued * (0.15 + 0.85 * draft.load)):
            wait += dice.around(self.wait, _SPREAD, 12)
        return wait, dice.around(self.patience, _SPREAD)


CALL = Waiting(queued=0.33, wait=45 * SECOND, patience=150 * SECOND)
CHAT = Waiting(queued=0.32, wait=50 * SECOND, patience=3 * MINUTE)
MESSAGE = Waiting(queued=0.42, wait=90 * SECOND, patience=12 * MINUTE)
