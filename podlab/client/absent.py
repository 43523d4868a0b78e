"""What stands for the API server where there is none: every call says so, and Events go into the log."""

from __future__ import annotations

import logging
from typing import NoReturn, Self

from google.protobuf.message import Message

from podlab.api.objects import metadata
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.outages import Outages
from podlab.errors import ServiceUnavailable

log = logging.getLogger(__name__)
_WHY = "this component runs without an API server"


class AbsentServer(Client):
    """A client of nothing. Each call raises ServiceUnavailable."""

    def __init__(self) -> None:
        self.field_manager = ""
        self.server = ""
        self.outages = Outages("(none)")
        self._following = None

    @property
    def channel(self) -> NoReturn:
        raise ServiceUnavailable(_WHY)

    @property
    def _stub(self) -> NoReturn:
        raise ServiceUnavailable(_WHY)

    async def __aenter__(self) -> Self:
        return self

    def watch(self, *_: object, **__: object) -> NoReturn:
        """Nothing can be followed."""
        raise ServiceUnavailable(_WHY)

    async def close(self) -> None:
        """There is nothing to close."""

    async def connected(self, within_s: float) -> bool:
        """It never is."""
        return False


class EventLog(EventRecorder):
    """What happens is told to whoever reads the log."""

    def __init__(self, component: str, host: str) -> None:
        super().__init__(AbsentServer(), component, host)

    def event(self, obj: Message, event_type: str, reason: str, message: str, *, field_path: str = "") -> None:
        """See EventRecorder."""
        of = metadata(obj)
        name = "/".join(part for part in (of.namespace, of.name) if part)
        level = logging.WARNING if event_type == "Warning" else logging.INFO
        log.log(level, "%s%s: %s: %s", name, f" {field_path}" if field_path else "", reason, message)
