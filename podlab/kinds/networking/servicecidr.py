"""The kind ServiceCIDR."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS
from podlab.networking.v1.serviceaddresses_pb2 import ServiceCIDR


def _cells(item: ServiceCIDR, now: datetime) -> Cells:
    return [item.metadata.name, ",".join(item.spec.cidrs), age(item, now)]


def _strategy() -> Strategy:
    from podlab.kinds.validation.network import serviceaddresses
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        counts_generations=True,
        rules=Rules(serviceaddresses.check_service_cidr, serviceaddresses.check_service_cidr_update),
    )


RESOURCE = Resource(
    of(ServiceCIDR),
    subresources=(STATUS,),
    table=Table(_cells, ("NAME", "CIDRS", "AGE")),
    load_strategy=_strategy,
)
