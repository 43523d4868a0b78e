"""The kind ConfigMap."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy


def _cells(item: ConfigMap, now: datetime) -> Cells:
    return [item.metadata.name, str(len(item.data) + len(item.binaryData)), age(item, now)]


def _strategy() -> Strategy:
    from podlab.kinds.validation.cluster import config
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        rules=Rules(config.check_config_map, config.check_config_map_update),
    )


RESOURCE = Resource(
    of(ConfigMap),
    table=Table(_cells, ("NAME", "DATA", "AGE"), untold={"DATA": int}),
    load_strategy=_strategy,
)
