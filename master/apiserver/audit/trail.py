"""Follows each request through its stages, and has written what the policy asks for."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from master.apiserver.audit.event import Record
from master.apiserver.audit.policy import Level, Policy, Stage
from master.apiserver.audit.writer import Writer
from master.apiserver.passage import Passage


@dataclass
class Trail:
    """Lives in the event loop."""

    policy: Policy
    writer: Writer
    written: Counter[str] = field(default_factory=Counter)
    """Lines handed to the writer, by level."""

    def begin(self, passage: Passage) -> Steps | None:
        """Follow a request that has come in; None when nothing is written of it."""
        level, omitted = self.policy.decide(passage.asked)
        if level is Level.NONE:
            return None
        steps = Steps(self, passage, level, omitted)
        steps.reached(Stage.RECEIVED)
        return steps


@dataclass(slots=True)
class Steps:
    """One request."""

    trail: Trail
    passage: Passage
    level: Level
    omitted: frozenset[str]
    received_at: float = field(default_factory=time.time)
    sent: bytes = b""

    def __post_init__(self) -> None:
        if self.level >= Level.REQUEST and self.passage.asked.sent is not None:
            self.sent = self.passage.asked.sent()  # now: the handler may change it

    def reached(self, stage: Stage) -> None:
        """Have the stage written."""
        if stage in self.omitted:
            return
        passage = self.passage
        over = stage in (Stage.COMPLETE, Stage.PANIC)
        answered = b""
        if over and self.level is Level.REQUEST_RESPONSE and passage.answered is not None:
            answered = passage.answered()
        begun = stage is not Stage.RECEIVED
        self.trail.written[self.level.told] += 1
        self.trail.writer.put(
            Record(
                asked=passage.asked,
                level=self.level,
                stage=stage,
                received_at=self.received_at,
                at=time.time(),
                code=passage.code if begun else 0,
                error=passage.error,
                decision=passage.decision if begun else "",
                reason=passage.reason,
                impersonated=passage.impersonated,
                name=passage.name,
                sent=self.sent,
                answered=answered,
            )
        )
