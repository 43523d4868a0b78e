"""The kind MutatingAdmissionPolicy."""

from datetime import datetime

from podlab.admissionregistration.v1.mutatingadmissionpolicy_pb2 import MutatingAdmissionPolicy
from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy


def _cells(item: MutatingAdmissionPolicy, now: datetime) -> Cells:
    kind = item.spec.paramKind
    params = f"{kind.apiVersion}/{kind.kind}" if item.spec.HasField("paramKind") else "<unset>"
    return [item.metadata.name, str(len(item.spec.mutations)), params, age(item, now)]


def _strategy() -> Strategy:
    from podlab.kinds.defaults import admission as defaults
    from podlab.kinds.validation import syntax
    from podlab.kinds.validation.admission import mutatingpolicies
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        counts_generations=True,
        set_defaults=defaults.complete_policy,
        rules=Rules(mutatingpolicies.check_policy, name=syntax.subdomain, finalizer=syntax.qualified_name),
    )


RESOURCE = Resource(
    of(MutatingAdmissionPolicy),
    table=Table(_cells, ("NAME", "MUTATIONS", "PARAMKIND", "AGE"), types={"MUTATIONS": "integer"}),
    load_strategy=_strategy,
)
