"""The kind ResourceClaimTemplate."""

from podlab.api.kinds import of
from podlab.kinds.defaults.devices import set_claim_defaults
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaimTemplate


def _set_defaults(given: ResourceClaimTemplate) -> None:
    set_claim_defaults(given.spec.spec)


def _strategy() -> Strategy:
    from podlab.kinds.validation.devices import claims
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        set_defaults=_set_defaults,
        rules=Rules(create=claims.check_new_template, update=claims.check_template_update),
    )


RESOURCE = Resource(
    of(ResourceClaimTemplate),
    load_strategy=_strategy,
)
