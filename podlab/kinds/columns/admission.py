"""What is printed of policies, their bindings and webhook configurations."""

from datetime import datetime

from podlab.admissionregistration.v1 import (
    mutatingadmissionpolicy_pb2,
    validatingadmissionpolicy_pb2,
    webhookconfiguration_pb2,
)
from podlab.api.cells import Cells, age

UNSET = "<unset>"


def of_binding(
    item: mutatingadmissionpolicy_pb2.MutatingAdmissionPolicyBinding
    | validatingadmissionpolicy_pb2.ValidatingAdmissionPolicyBinding,
    now: datetime,
) -> Cells:
    """Of a binding: its policy, and the parameters that it names."""
    reference = item.spec.paramRef
    params = UNSET
    if item.spec.HasField("paramRef"):
        params = f"{reference.namespace or '*'}/{reference.name}" if reference.name else "*"
    return [item.metadata.name, item.spec.policyName, params, age(item, now)]


def of_webhooks(
    item: webhookconfiguration_pb2.MutatingWebhookConfiguration
    | webhookconfiguration_pb2.ValidatingWebhookConfiguration,
    now: datetime,
) -> Cells:
    """Of a configuration: how many webhooks it has."""
    return [item.metadata.name, str(len(item.webhooks)), age(item, now)]
