"""Follows the FlowSchemas and PriorityLevelConfigurations in the watch cache: what they say is obeyed at once."""

from __future__ import annotations

from master.apiserver.flowcontrol import flow_schemas
from master.apiserver.flowcontrol.seats import Seats
from master.apiserver.watchcache.cached_object import CacheEvent
from master.apiserver.watchcache.kind_window import KindWindow
from podlab.flowcontrol.v1.flowschema_pb2 import FlowSchema
from podlab.flowcontrol.v1.prioritylevelconfiguration_pb2 import PriorityLevelConfiguration


class ConfigurationFollower:
    """Lives in the event loop. Until there are levels, the defaults hold."""

    def __init__(self, seats: Seats, levels: KindWindow, schemas: KindWindow) -> None:
        self._seats = seats
        self._levels: dict[str, PriorityLevelConfiguration] = {}
        self._schemas: dict[str, FlowSchema] = {}
        levels.follow(self._take_level)
        schemas.follow(self._take_schema)

    def _take_level(self, event: CacheEvent) -> None:
        if event.new is None:
            self._levels.pop(event.key, None)
        else:
            self._levels[event.key] = event.new.message_as(PriorityLevelConfiguration)
        self._configure()

    def _take_schema(self, event: CacheEvent) -> None:
        if event.new is None:
            self._schemas.pop(event.key, None)
        else:
            self._schemas[event.key] = event.new.message_as(FlowSchema)
        self._configure()

    def _configure(self) -> None:
        if self._levels:
            self._seats.configure(flow_schemas.configuration(self._levels.values(), self._schemas.values()))
