"""The kind Secret."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.core.v1 import config_pb2
from podlab.core.v1.config_pb2 import Secret
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy


def _cells(item: Secret, now: datetime) -> Cells:
    return [item.metadata.name, item.type, str(len(item.data)), age(item, now)]


def _set_defaults(secret: config_pb2.Secret) -> None:
    secret.type = secret.type or "Opaque"
    for key, value in secret.stringData.items():
        secret.data[key] = value.encode()
    secret.ClearField("stringData")


def _strategy() -> Strategy:
    from podlab.kinds.validation.cluster import config
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        set_defaults=_set_defaults,
        rules=Rules(config.check_secret, config.check_secret_update),
    )


RESOURCE = Resource(
    of(Secret),
    table=Table(_cells, ("NAME", "TYPE", "DATA", "AGE"), types={"DATA": "integer"}),
    selectable_fields=("type",),
    load_strategy=_strategy,
)
