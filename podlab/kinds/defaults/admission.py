"""What authors of admission policies and of webhooks leave out."""

from podlab.admissionregistration.v1 import matching_pb2
from podlab.admissionregistration.v1.mutatingadmissionpolicy_pb2 import (
    MutatingAdmissionPolicy,
    MutatingAdmissionPolicyBinding,
)
from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import (
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
)
from podlab.admissionregistration.v1.webhookconfiguration_pb2 import (
    MutatingWebhook,
    MutatingWebhookConfiguration,
    ValidatingWebhook,
    ValidatingWebhookConfiguration,
)

HTTPS_PORT = 443
TIMEOUT_S = 10


def complete_policy(policy: ValidatingAdmissionPolicy | MutatingAdmissionPolicy) -> None:
    """A policy that fails refuses."""
    spec = policy.spec
    spec.failurePolicy = spec.failurePolicy or "Fail"
    if spec.HasField("matchConstraints"):
        _complete_match(spec.matchConstraints)


def complete_binding(binding: ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding) -> None:
    """What it matches, if it says so."""
    if binding.spec.HasField("matchResources"):
        _complete_match(binding.spec.matchResources)


def complete_webhooks(configuration: MutatingWebhookConfiguration | ValidatingWebhookConfiguration) -> None:
    """A webhook is waited for ten seconds, and one that cannot be asked refuses."""
    for webhook in configuration.webhooks:
        _complete_webhook(webhook)
        if isinstance(webhook, MutatingWebhook) and not webhook.HasField("reinvocationPolicy"):
            webhook.reinvocationPolicy = "Never"


def _complete_webhook(webhook: MutatingWebhook | ValidatingWebhook) -> None:
    webhook.clientConfig.SetInParent()
    service = webhook.clientConfig.service
    if webhook.clientConfig.HasField("service") and not service.HasField("port"):
        service.port = HTTPS_PORT
    if not webhook.HasField("failurePolicy"):
        webhook.failurePolicy = "Fail"
    if not webhook.HasField("matchPolicy"):
        webhook.matchPolicy = "Equivalent"
    if not webhook.HasField("timeoutSeconds"):
        webhook.timeoutSeconds = TIMEOUT_S
    webhook.namespaceSelector.SetInParent()
    webhook.objectSelector.SetInParent()
    for rule in webhook.rules:
        rule.rule.scope = rule.rule.scope or "*"


def _complete_match(match: matching_pb2.MatchResources) -> None:
    match.matchPolicy = match.matchPolicy or "Equivalent"
    match.namespaceSelector.SetInParent()
    match.objectSelector.SetInParent()
    for named in (*match.resourceRules, *match.excludeResourceRules):
        rule = named.ruleWithOperations.rule
        rule.scope = rule.scope or "*"
