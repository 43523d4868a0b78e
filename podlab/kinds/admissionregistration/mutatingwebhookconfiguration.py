"""The kind MutatingWebhookConfiguration."""

from podlab.admissionregistration.v1.webhookconfiguration_pb2 import MutatingWebhookConfiguration
from podlab.api.cells import Table
from podlab.api.kinds import of
from podlab.kinds.columns.admission import of_webhooks
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy


def _strategy() -> Strategy:
    from podlab.kinds.defaults import admission as defaults
    from podlab.kinds.validation import syntax
    from podlab.kinds.validation.admission import webhooks
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        counts_generations=True,
        set_defaults=defaults.complete_webhooks,
        rules=Rules(
            create=webhooks.check_configuration,
            update=webhooks.check_update,
            name=syntax.subdomain,
            finalizer=syntax.qualified_name,
        ),
    )


RESOURCE = Resource(
    of(MutatingWebhookConfiguration),
    table=Table(of_webhooks, ("NAME", "WEBHOOKS", "AGE"), types={"WEBHOOKS": "integer"}),
    load_strategy=_strategy,
)
