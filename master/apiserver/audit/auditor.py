"""Follows each request through its stages, and writes the lines that the policy asks for."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from master.apiserver.audit import event
from master.apiserver.audit.policy import Level, Policy, RequestAuditConfig, Stage
from master.apiserver.audit.writer import Writer
from master.apiserver.request.info import Exchange, RequestInfo
from podlab.kinds import builtin
from podlab.kinds.current import CurrentCatalog

# How many decisions of the policy are remembered: about one for each user, verb and resource in use.
REMEMBERED = 4096


@dataclass
class Auditor:
    """Lives in the event loop."""

    policy: Policy
    writer: Writer
    kinds: CurrentCatalog = field(default_factory=lambda: CurrentCatalog(builtin.catalog()))
    written: Counter[Level] = field(default_factory=Counter)
    """Lines handed to the writer, by level."""
    _decided: dict[tuple[object, ...], RequestAuditConfig] = field(default_factory=dict)

    def begin(self, exchange: Exchange) -> AuditContext | None:
        """Start to follow a request; None when nothing is written about it."""
        level, omitted = self._decide(exchange.info)
        if level is Level.NONE:
            return None
        context = AuditContext(self, exchange, level, omitted)
        context.reached(Stage.RECEIVED)
        return context

    def _decide(self, asked: RequestInfo) -> RequestAuditConfig:
        key = self.policy.depends_on(asked)
        decided = self._decided.get(key)
        if decided is None:
            if len(self._decided) >= REMEMBERED:
                self._decided.clear()
            decided = self._decided[key] = self.policy.decide(asked)
        return decided


@dataclass(slots=True)
class AuditContext:
    """One request that is audited."""

    auditor: Auditor
    exchange: Exchange
    level: Level
    omitted: frozenset[str]
    received_at: float = field(default_factory=time.time)
    sent: bytes = b""

    def __post_init__(self) -> None:
        if self.level >= Level.REQUEST and self.exchange.info.sent is not None:
            self.sent = self.exchange.info.sent()  # now: the handler may change it

    def reached(self, stage: Stage) -> None:
        """Write the line of the stage, unless it is omitted."""
        if stage in self.omitted:
            return
        exchange = self.exchange
        over = stage in (Stage.COMPLETE, Stage.PANIC)
        answered = b""
        if over and self.level is Level.REQUEST_RESPONSE and exchange.answered is not None:
            answered = exchange.answered()
        auditor = self.auditor
        auditor.written[self.level] += 1
        at, catalog = time.time(), auditor.kinds.catalog
        auditor.writer.put(
            event.line(exchange, self.level, stage, self.received_at, at, self.sent, answered, catalog=catalog)
        )
