"""The kind CustomResourceDefinition."""

from datetime import datetime

from podlab.api.cells import Cells, Table
from podlab.api.kinds import of
from podlab.api.values import times
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS

_HTTPS = 443


def _cells(item: CustomResourceDefinition, _: datetime) -> Cells:
    return [item.metadata.name, times.text(item.metadata.creationTimestamp)]


def _set_defaults(definition: CustomResourceDefinition) -> None:
    spec = definition.spec
    names = spec.names
    names.singular = names.singular or names.kind.lower()
    if names.kind and not names.listKind:
        names.listKind = f"{names.kind}List"
    if not spec.HasField("conversion"):
        spec.conversion.strategy = "None"
    service = spec.conversion.webhook.clientConfig.service
    if spec.conversion.webhook.clientConfig.HasField("service") and not service.HasField("port"):
        service.port = _HTTPS


def _strategy() -> Strategy:
    from podlab.kinds.strategies import customresourcedefinitions as definitions
    from podlab.kinds.validation import syntax
    from podlab.kinds.validation.apiextensions import customresourcedefinition as checks
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.warnings.definitions import of_definition

    return Strategy(
        rules=Rules(
            checks.check,
            update=checks.check_update,
            status=checks.check_status,
            create=checks.check_create,
            finalizer=syntax.qualified_name,
        ),
        warn=of_definition,
        counts_generations=True,
        set_defaults=_set_defaults,
        prepare_for_create=definitions.begin,
        prepare_for_update=definitions.keep_stored_versions,
        prepare_for_deletion=definitions.terminate,
    )


RESOURCE = Resource(
    of(CustomResourceDefinition),
    subresources=(STATUS,),
    table=Table(_cells, ("NAME", "CREATED AT"), types={"CREATED AT": "date"}),
    load_strategy=_strategy,
)
