"""The kind ValidatingWebhookConfiguration."""

from datetime import datetime

from podlab.admissionregistration.v1.webhookconfiguration_pb2 import ValidatingWebhookConfiguration
from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy


def _cells(item: ValidatingWebhookConfiguration, now: datetime) -> Cells:
    return [item.metadata.name, str(len(item.webhooks)), age(item, now)]


def _strategy() -> Strategy:
    from podlab.kinds.defaults import admission as defaults
    from podlab.kinds.validation import syntax
    from podlab.kinds.validation.admission import webhooks
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        counts_generations=True,
        set_defaults=defaults.complete_webhooks,
        rules=Rules(create=webhooks.check_configuration, update=webhooks.check_update, name=syntax.subdomain),
    )


RESOURCE = Resource(
    of(ValidatingWebhookConfiguration),
    table=Table(_cells, ("NAME", "WEBHOOKS", "AGE"), types={"WEBHOOKS": "integer"}),
    load_strategy=_strategy,
)
