"""The kind ValidatingAdmissionPolicy."""

from datetime import datetime

from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import ValidatingAdmissionPolicy
from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS


def _cells(item: ValidatingAdmissionPolicy, now: datetime) -> Cells:
    kind = item.spec.paramKind
    params = f"{kind.apiVersion}/{kind.kind}" if item.spec.HasField("paramKind") else "<unset>"
    return [item.metadata.name, str(len(item.spec.validations)), params, age(item, now)]


def _strategy() -> Strategy:
    from podlab.kinds.defaults import admission as defaults
    from podlab.kinds.validation import syntax
    from podlab.kinds.validation.admission import policies
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        counts_generations=True,
        set_defaults=defaults.complete_policy,
        rules=Rules(
            policies.check_policy, status=policies.check_status, name=syntax.subdomain, finalizer=syntax.qualified_name
        ),
    )


RESOURCE = Resource(
    of(ValidatingAdmissionPolicy),
    subresources=(STATUS,),
    table=Table(_cells, ("NAME", "VALIDATIONS", "PARAMKIND", "AGE"), types={"VALIDATIONS": "integer"}),
    load_strategy=_strategy,
)
