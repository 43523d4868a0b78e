"""The kind ResourceClaimTemplate."""

from podlab.api.kinds import of
from podlab.kinds.defaults.devices import set_claim_defaults
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaimTemplate


def _set_defaults(given: ResourceClaimTemplate) -> None:
    set_claim_defaults(given.spec.spec)


def _strategy() -> Strategy:
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.storage import deviceclaims

    return Strategy(
        set_defaults=_set_defaults,
        rules=Rules(deviceclaims.check_template, deviceclaims.check_template_update),
    )


RESOURCE = Resource(
    of(ResourceClaimTemplate),
    load_strategy=_strategy,
)
