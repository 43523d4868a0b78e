"""The kind ValidatingAdmissionPolicyBinding."""

from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import ValidatingAdmissionPolicyBinding
from podlab.api.cells import Table
from podlab.api.kinds import of
from podlab.kinds.columns.admission import of_binding
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy


def _strategy() -> Strategy:
    from podlab.kinds.defaults import admission as defaults
    from podlab.kinds.validation import syntax
    from podlab.kinds.validation.admission import bindings
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        counts_generations=True,
        set_defaults=defaults.complete_binding,
        rules=Rules(bindings.check_binding, name=syntax.subdomain, finalizer=syntax.qualified_name),
    )


RESOURCE = Resource(
    of(ValidatingAdmissionPolicyBinding),
    table=Table(of_binding, ("NAME", "POLICYNAME", "PARAMREF", "AGE")),
    load_strategy=_strategy,
)
