"""The text form of a schedule: a token that fits a command line and says all that a replay needs."""

from __future__ import annotations

import base64
import json
import sys
import zlib
from dataclasses import asdict, astuple, dataclass
from typing import Any

from torture import __version__
from torture.errors import UsageError
from torture.instrument.writer import Unit
from torture.trace.schedule import Anchor, Schedule
from torture.trace.site import Form

_PREFIX = "T1-"


@dataclass(frozen=True, slots=True)
class Token:
    """What replays an execution.

    ``modules`` are those that were instrumented, but for the points in ``without``; ``fingerprint`` is the finding that the replay must show.
    """

    target: str
    arguments: dict[str, Any] | None
    granularity: str
    modules: tuple[str, ...]
    without: frozenset[Unit]
    changes: tuple[tuple[int, int], ...]
    anchors: tuple[Anchor, ...]  # one for each change, for a program that was edited since
    fingerprint: str
    step_limit: int
    ends_matter: bool  # see Kernel.ends_matter
    code: str  # hash of the instrumented code of the target's own modules
    version: str = __version__
    python: str = f"{sys.version_info.major}.{sys.version_info.minor}"

    @property
    def schedule(self) -> Schedule:
        """Return the choices."""
        return Schedule(self.changes)

    def encode(self) -> str:
        """Return the token's text."""
        fields = asdict(self) | {
            "anchors": [astuple(anchor) for anchor in self.anchors],
            "without": sorted(self.without, key=str),
        }
        text = json.dumps(fields, separators=(",", ":"), sort_keys=True).encode()
        return _PREFIX + base64.urlsafe_b64encode(zlib.compress(text, 9)).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Token:
        """Return the token; raises UsageError where it is not one, or is another version's."""
        text = text.strip()
        if not text.startswith(_PREFIX):
            raise UsageError(f"{text[:20]!r} is not a schedule token: those begin with {_PREFIX!r}")
        body = text[len(_PREFIX) :]
        try:
            fields = json.loads(zlib.decompress(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))
            fields["changes"] = tuple((int(step), int(choice)) for step, choice in fields["changes"])
            fields["modules"] = tuple(fields["modules"])
            fields["without"] = frozenset(map(_unit, fields["without"]))
            fields["anchors"] = tuple(Anchor(*anchor) for anchor in fields["anchors"])
            return cls(**fields)
        except (ValueError, TypeError, KeyError, zlib.error) as error:
            raise UsageError(
                f"the schedule token is damaged ({error}); copy it whole, it has no spaces"
            ) from error


def _unit(written: str | list[str]) -> Unit:
    if isinstance(written, str):
        return written
    module, function, form = written
    return (module, function, Form(form))
