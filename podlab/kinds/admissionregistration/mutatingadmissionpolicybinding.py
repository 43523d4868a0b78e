"""The kind MutatingAdmissionPolicyBinding."""

from datetime import datetime

from podlab.admissionregistration.v1.mutatingadmissionpolicy_pb2 import MutatingAdmissionPolicyBinding
from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy


def _cells(item: MutatingAdmissionPolicyBinding, now: datetime) -> Cells:
    reference = item.spec.paramRef
    params = "<unset>"
    if item.spec.HasField("paramRef"):
        params = f"{reference.namespace or '*'}/{reference.name}" if reference.name else "*"
    return [item.metadata.name, item.spec.policyName, params, age(item, now)]


def _strategy() -> Strategy:
    from podlab.kinds.defaults import admission as defaults
    from podlab.kinds.validation import syntax
    from podlab.kinds.validation.admission import mutatingpolicies
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        counts_generations=True,
        set_defaults=defaults.complete_binding,
        rules=Rules(mutatingpolicies.check_binding, name=syntax.subdomain),
    )


RESOURCE = Resource(
    of(MutatingAdmissionPolicyBinding),
    table=Table(_cells, ("NAME", "POLICYNAME", "PARAMREF", "AGE")),
    load_strategy=_strategy,
)
