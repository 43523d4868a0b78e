"""The kind APIService."""

from datetime import datetime

from podlab.api.cells import Cells, ColumnWords, Table, age
from podlab.api.kinds import of
from podlab.api.objects import condition
from podlab.apiregistration.v1.apiservice_pb2 import APIService
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS

AVAILABLE = "Available"
_HTTPS = 443
_WORDS = {
    "SERVICE": ColumnWords("Service", "", "The reference to the service that hosts this API endpoint."),
    "AVAILABLE": ColumnWords("Available", "", "Whether this service is available."),
}


def _cells(item: APIService, now: datetime) -> Cells:
    spec = item.spec
    service = f"{spec.service.namespace}/{spec.service.name}" if spec.HasField("service") else "Local"
    return [item.metadata.name, service, _available(item), age(item, now)]


def _available(item: APIService) -> str:
    told = condition(item.status.conditions, AVAILABLE)
    if told is None:
        return "Unknown"
    return told.status if told.status == "True" or not told.reason else f"{told.status} ({told.reason})"


def _set_defaults(service: APIService) -> None:
    if service.spec.HasField("service") and not service.spec.service.HasField("port"):
        service.spec.service.port = _HTTPS


def _strategy() -> Strategy:
    from podlab.kinds.validation import apiregistration, syntax
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        set_defaults=_set_defaults,
        rules=Rules(
            apiregistration.check,
            status=apiregistration.check_status,
            name=syntax.path_segment,
            finalizer=syntax.qualified_name,
        ),
    )


RESOURCE = Resource(
    of(APIService),
    subresources=(STATUS,),
    table=Table(_cells, ("NAME", "SERVICE", "AVAILABLE", "AGE"), words=_WORDS),
    load_strategy=_strategy,
)
