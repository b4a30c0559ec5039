"""The query tracker: which angles of a subject a session has asked about."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum

HISTORY = 10  # queries of a session that are remembered


class QueryAngle(StrEnum):
    """What a query is after."""

    DEFINITION = "definition"
    LOCATION = "location"
    PRACTICAL = "practical"
    BEST_PRACTICE = "best_practice"
    ERROR_PREVENTION = "error_prevention"


# The first that fits; a query in which nothing fits asks for a definition.
_SIGNS = {
    QueryAngle.LOCATION: ("where", "which file", "locate", "find"),
    QueryAngle.ERROR_PREVENTION: ("avoid", "mistake", "pitfall", "error", "prevent"),
    QueryAngle.BEST_PRACTICE: ("best", "recommended", "pattern", "should"),
    QueryAngle.PRACTICAL: ("how", "example", "use", "tutorial"),
}


def angle_of(query: str) -> QueryAngle:
    """Return the angle of a query.

    >>> angle_of("How to lock a file?")
    <QueryAngle.PRACTICAL: 'practical'>
    """
    text = query.lower()
    fitting = (angle for angle, signs in _SIGNS.items() if any(sign in text for sign in signs))
    return next(fitting, QueryAngle.DEFINITION)


@dataclass(frozen=True, slots=True)
class QueryStats:
    """A session at one moment."""

    total_queries: int = 0
    unique_queries: int = (
        0  # by wording, case and outer spaces aside; of all queries, not only those in the history
    )
    angles: dict[QueryAngle, int] = field(default_factory=dict)
    history: tuple[str, ...] = ()


class QueryTracker:
    """Counts the queries of each session; all methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = (
            threading.Lock()
        )  # held for each operation as a whole: sessions are made and reset meanwhile
        self._sessions: dict[str, _Session] = {}

    def record_query(self, session_id: str, query: str) -> QueryAngle:
        """Count a query, and return its angle."""
        angle = angle_of(query)
        with self._lock:
            session = self._sessions.setdefault(session_id, _Session())
            session.total += 1
            session.wordings.add(query.strip().lower())
            session.angles[angle] += 1
            session.history.append(query)
        return angle

    def get_stats(self, session_id: str) -> QueryStats:
        """Return what a session has asked so far; nothing for one that is not known."""
        with self._lock:
            session = self._sessions.get(session_id)
            if session is None:
                return QueryStats()
            return QueryStats(
                session.total, len(session.wordings), dict(session.angles), tuple(session.history)
            )

    def get_uncovered_angles(self, session_id: str) -> set[QueryAngle]:
        """Return the angles that a session has not asked about."""
        return set(QueryAngle) - set(self.get_stats(session_id).angles)

    def reset_session(self, session_id: str) -> None:
        """Forget a session."""
        with self._lock:
            self._sessions.pop(session_id, None)


@dataclass(slots=True)
class _Session:
    total: int = 0
    wordings: set[str] = field(default_factory=set)
    angles: Counter[QueryAngle] = field(default_factory=Counter)
    history: deque[str] = field(default_factory=lambda: deque(maxlen=HISTORY))


_tracker = QueryTracker()


def get_tracker() -> QueryTracker:
    """Return the process's tracker; made at import, so that there is only one."""
    return _tracker
