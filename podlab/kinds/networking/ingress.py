"""The kind Ingress."""

from datetime import datetime

from podlab.api.cells import NONE, Cells, Table, age
from podlab.api.ingresses import addresses, hosts
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS
from podlab.networking.v1.ingress_pb2 import Ingress


def _cells(item: Ingress, now: datetime) -> Cells:
    return [
        item.metadata.name,
        item.spec.ingressClassName or NONE,
        hosts(rule.host for rule in item.spec.rules),
        addresses(item),
        "80, 443" if item.spec.tls else "80",
        age(item, now),
    ]


def _strategy() -> Strategy:
    from podlab.kinds.validation.network import ingress
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.warnings import moments
    from podlab.kinds.warnings.network import of_ingress

    return Strategy(
        counts_generations=True,
        rules=Rules(ingress.check_ingress, status=ingress.check_ingress_status),
        warn=moments.always(of_ingress),
    )


RESOURCE = Resource(
    of(Ingress),
    subresources=(STATUS,),
    table=Table(_cells, ("NAME", "CLASS", "HOSTS", "ADDRESS", "PORTS", "AGE")),
    load_strategy=_strategy,
)
