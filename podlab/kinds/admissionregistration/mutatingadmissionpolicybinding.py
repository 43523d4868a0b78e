"""The kind MutatingAdmissionPolicyBinding."""

from podlab.admissionregistration.v1.mutatingadmissionpolicy_pb2 import MutatingAdmissionPolicyBinding
from podlab.api.cells import Table
from podlab.api.kinds import of
from podlab.kinds.columns.admission import of_binding
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy


def _strategy() -> Strategy:
    from podlab.kinds.defaults import admission as defaults
    from podlab.kinds.validation import syntax
    from podlab.kinds.validation.admission import mutatingpolicies
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        counts_generations=True,
        set_defaults=defaults.complete_binding,
        rules=Rules(mutatingpolicies.check_binding, name=syntax.subdomain, finalizer=syntax.qualified_name),
    )


RESOURCE = Resource(
    of(MutatingAdmissionPolicyBinding),
    table=Table(of_binding, ("NAME", "POLICYNAME", "PARAMREF", "AGE")),
    load_strategy=_strategy,
)
