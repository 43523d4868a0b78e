"""The kind IngressClass."""

from datetime import datetime

from podlab.api.cells import NONE, Cells, Table, age
from podlab.api.ingresses import parameters
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.networking.v1 import ingress_pb2
from podlab.networking.v1.ingress_pb2 import IngressClass


def _cells(item: IngressClass, now: datetime) -> Cells:
    told = parameters(item.spec.parameters) if item.spec.HasField("parameters") else NONE
    return [item.metadata.name, item.spec.controller, told, age(item, now)]


def _set_defaults(given: ingress_pb2.IngressClass) -> None:
    """Settings are an object of the cluster."""
    if given.spec.HasField("parameters") and not given.spec.parameters.HasField("scope"):
        given.spec.parameters.scope = "Cluster"


def _strategy() -> Strategy:
    from podlab.kinds.validation.network import ingress
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        counts_generations=True,
        set_defaults=_set_defaults,
        rules=Rules(ingress.check_ingress_class, ingress.check_ingress_class_update),
    )


RESOURCE = Resource(
    of(IngressClass),
    table=Table(_cells, ("NAME", "CONTROLLER", "PARAMETERS", "AGE")),
    load_strategy=_strategy,
)
