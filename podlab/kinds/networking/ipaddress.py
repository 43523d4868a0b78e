"""The kind IPAddress."""

from datetime import datetime

from podlab.api.cells import NONE, Cells, Table
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.networking.v1.serviceaddresses_pb2 import IPAddress


def _cells(item: IPAddress, _: datetime) -> Cells:
    parent = item.spec.parentRef
    told = "/".join(filter(None, (parent.resource, parent.namespace, parent.name)))
    return [item.metadata.name, told if item.spec.HasField("parentRef") else NONE]


def _strategy() -> Strategy:
    from podlab.kinds.validation.network import serviceaddresses
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        counts_generations=True,
        rules=Rules(
            serviceaddresses.check_address,
            serviceaddresses.check_address_update,
            name=serviceaddresses.address_name,
        ),
    )


RESOURCE = Resource(
    of(IPAddress),
    table=Table(_cells, ("NAME", "PARENTREF")),
    load_strategy=_strategy,
)
