"""The kind PriorityLevelConfiguration."""

from datetime import datetime

from google.protobuf.message import Message

from podlab.api.cells import NONE, Cells, Table, age
from podlab.api.kinds import of
from podlab.flowcontrol.v1 import prioritylevelconfiguration_pb2 as pb
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS

_HEADERS = "NAME|TYPE|NOMINALCONCURRENCYSHARES|QUEUES|HANDSIZE|QUEUELENGTHLIMIT|AGE"
_SHARES = 30
_QUEUING = pb.QueuingConfiguration(queues=64, handSize=8, queueLengthLimit=50)


def _cells(item: pb.PriorityLevelConfiguration, now: datetime) -> Cells:
    limited, queuing = item.spec.limited, item.spec.limited.limitResponse.queuing
    shares = str(limited.nominalConcurrencyShares) if item.spec.HasField("limited") else NONE
    counts = (queuing.queues, queuing.handSize, queuing.queueLengthLimit)
    queued = map(str, counts) if limited.limitResponse.HasField("queuing") else [NONE] * len(counts)
    return [item.metadata.name, item.spec.type, shares, *queued, age(item, now)]


def _set_defaults(given: pb.PriorityLevelConfiguration) -> None:
    """Nothing is lent, and requests choose among eight of 64 queues."""
    spec = given.spec
    if spec.type == "Exempt":
        _keep(spec.exempt, pb.ExemptPriorityLevelConfiguration(nominalConcurrencyShares=0, lendablePercent=0))
    if not spec.HasField("limited"):
        return
    _keep(spec.limited, pb.LimitedPriorityLevelConfiguration(nominalConcurrencyShares=_SHARES, lendablePercent=0))
    if spec.limited.limitResponse.HasField("queuing"):
        _keep(spec.limited.limitResponse.queuing, _QUEUING)


def _keep(given: Message, defaults: Message) -> None:
    """What is given, and of the defaults what is not."""
    said = type(given)()
    said.CopyFrom(given)
    given.CopyFrom(defaults)
    given.MergeFrom(said)


def _strategy() -> Strategy:
    from podlab.kinds.validation.cluster import flowcontrol
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        counts_generations=True,
        set_defaults=_set_defaults,
        rules=Rules(flowcontrol.check_level, status=flowcontrol.check_level_status),
    )


RESOURCE = Resource(
    of(pb.PriorityLevelConfiguration),
    subresources=(STATUS,),
    table=Table(_cells, tuple(_HEADERS.split("|"))),
    load_strategy=_strategy,
)
