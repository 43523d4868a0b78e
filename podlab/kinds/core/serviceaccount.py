"""The kind ServiceAccount."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.core.v1.serviceaccount_pb2 import ServiceAccount
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import TOKEN


def _cells(item: ServiceAccount, now: datetime) -> Cells:
    return [item.metadata.name, str(len(item.secrets)), age(item, now)]


def _strategy() -> Strategy:
    from podlab.kinds.validation.cluster import policy
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        rules=Rules(policy.check_service_account),
    )


RESOURCE = Resource(
    of(ServiceAccount),
    subresources=(TOKEN,),
    table=Table(_cells, ("NAME", "SECRETS", "AGE"), untold={"SECRETS": int}),
    load_strategy=_strategy,
)
