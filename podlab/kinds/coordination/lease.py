"""The kind Lease."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy


def _cells(item: Lease, now: datetime) -> Cells:
    return [item.metadata.name, item.spec.holderIdentity, age(item, now)]


def _strategy() -> Strategy:
    from podlab.kinds.validation.cluster import cluster
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        rules=Rules(cluster.check_lease),
    )


RESOURCE = Resource(
    of(Lease),
    table=Table(_cells, ("NAME", "HOLDER", "AGE")),
    load_strategy=_strategy,
)
