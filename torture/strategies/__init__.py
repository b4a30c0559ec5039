"""POLICY: one file per algorithm; a strategy only chooses.

:data:`STRATEGIES` names those a user may ask for; ``auto`` is the run loop's portfolio of them.
"""

from __future__ import annotations

from collections.abc import Callable

from torture.strategies.bounded import Bounded
from torture.strategies.dfs import Dfs
from torture.strategies.dpor import Dpor
from torture.strategies.parking import Parking
from torture.strategies.pct import Pct
from torture.strategies.pos import Pos
from torture.strategies.random_walk import RandomWalk
from torture.strategies.strategy import Strategy
from torture.strategies.surw import Surw

STRATEGIES: dict[str, Callable[[], Strategy]] = {
    "random": RandomWalk,
    "pct": Pct,
    "pos": Pos,
    "surw": Surw,
    "parking": Parking,
    "bounded": Bounded,
    "dfs": Dfs,
    "dpor": Dpor,
}
# Those that execute every schedule once, or one of each class: what they prove is true only with every point.
EXHAUSTIVE = frozenset({"dfs", "bounded", "dpor"})
