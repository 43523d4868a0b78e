"""Rules about MutatingWebhookConfigurations and ValidatingWebhookConfigurations. Expressions that do not compile are
refused when the configuration is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from podlab.admissionregistration.v1 import webhookconfiguration_pb2 as webhooks_pb2
from podlab.cel.admission.expressions import RequestExpressions
from podlab.kinds.validation import syntax
from podlab.kinds.validation.admission.matching import check_conditions, check_rule
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_selector
from podlab.kinds.validation.webhookclients import check_service, check_url

Configuration = webhooks_pb2.MutatingWebhookConfiguration | webhooks_pb2.ValidatingWebhookConfiguration
Webhook = webhooks_pb2.MutatingWebhook | webhooks_pb2.ValidatingWebhook

REVIEW_VERSIONS = ("v1", "v1beta1")
"""The versions of AdmissionReview that are spoken."""
_FAILURE_POLICIES = ("Fail", "Ignore")
_MATCH_POLICIES = ("Equivalent", "Exact")
_REINVOCATION_POLICIES = ("IfNeeded", "Never")
_NO_SIDE_EFFECTS = ("None", "NoneOnDryRun")
_SIDE_EFFECTS = (*_NO_SIDE_EFFECTS, "Some", "Unknown")
_MOST_SECONDS = 30
_FEWEST_PARTS = 3


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of a configuration: what was wrong before it changed may stay."""

    no_side_effects: bool = True
    known_versions: bool = True
    unique_names: bool = True
    conditions: bool = True


def check_configuration(found: Findings, configuration: Configuration) -> None:
    """A new one."""
    _check(found, configuration, _Asked())


def check_update(found: Findings, new: Configuration, old: Configuration) -> None:
    """One that takes the place of another."""
    before = old.webhooks
    asked = _Asked(
        no_side_effects=all(one.sideEffects in _NO_SIDE_EFFECTS for one in before),
        known_versions=all(_has_known_version(one.admissionReviewVersions) for one in before),
        unique_names=len({one.name for one in before}) == len(before),
        conditions=[list(one.matchConditions) for one in new.webhooks] != [list(one.matchConditions) for one in before],
    )
    _check(found, new, asked)


def _check(found: Findings, configuration: Configuration, asked: _Asked) -> None:
    known: set[str] = set()
    webhooks: Sequence[Webhook] = configuration.webhooks
    for index, webhook in enumerate(webhooks):
        at = f"webhooks[{index}]"
        _check_webhook(found, at, webhook, asked)
        _check_versions(found, f"{at}.admissionReviewVersions", webhook.admissionReviewVersions, asked)
        if asked.unique_names and webhook.name in known:
            found.duplicate(f"{at}.name", webhook.name)
        if webhook.name:
            known.add(webhook.name)


def _check_webhook(found: Findings, at: str, webhook: Webhook, asked: _Asked) -> None:
    _check_name(found, f"{at}.name", webhook.name)
    for index, rule in enumerate(webhook.rules):
        check_rule(found, f"{at}.rules[{index}]", rule)
    _check_choice(found, f"{at}.failurePolicy", webhook.failurePolicy, _FAILURE_POLICIES)
    _check_choice(found, f"{at}.matchPolicy", webhook.matchPolicy, _MATCH_POLICIES)
    side_effects = _NO_SIDE_EFFECTS if asked.no_side_effects else _SIDE_EFFECTS
    if webhook.HasField("sideEffects"):
        _check_choice(found, f"{at}.sideEffects", webhook.sideEffects, side_effects)
    else:
        found.required(f"{at}.sideEffects", f"must specify one of {', '.join(side_effects)}")
    if not 0 < webhook.timeoutSeconds <= _MOST_SECONDS:
        told = f"the timeout value must be between 1 and {_MOST_SECONDS} seconds"
        found.invalid(f"{at}.timeoutSeconds", webhook.timeoutSeconds, told)
    check_selector(found, f"{at}.namespaceSelector", webhook.namespaceSelector)
    check_selector(found, f"{at}.objectSelector", webhook.objectSelector)
    if isinstance(webhook, webhooks_pb2.MutatingWebhook):
        _check_choice(found, f"{at}.reinvocationPolicy", webhook.reinvocationPolicy, _REINVOCATION_POLICIES)
    _check_client(found, f"{at}.clientConfig", webhook.clientConfig)
    if asked.conditions:
        expressions = RequestExpressions(has_params=False)
        check_conditions(found, f"{at}.matchConditions", webhook.matchConditions, expressions.condition)


def _check_name(found: Findings, field: str, name: str) -> None:
    if not name:
        found.required(field)
    elif faults := syntax.subdomain(name):
        found.invalid(field, name, ",".join(faults))
    elif len(name.split(".")) < _FEWEST_PARTS:
        found.invalid(field, name, "should be a domain with at least three segments separated by dots")


def _check_choice(found: Findings, field: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        found.unsupported(field, value, choices)


def _check_client(found: Findings, field: str, client: webhooks_pb2.WebhookClientConfig) -> None:
    service = client.service
    if client.HasField("url") == client.HasField("service"):
        found.required(field, "exactly one of url or service is required")
    elif client.HasField("url"):
        check_url(found, f"{field}.url", client.url)
    else:
        path = service.path if service.HasField("path") else None
        check_service(
            found,
            f"{field}.service",
            namespace=service.namespace,
            name=service.name,
            port=service.port,
            path=path,
        )


def _check_versions(found: Findings, field: str, versions: Sequence[str], asked: _Asked) -> None:
    known = ", ".join(REVIEW_VERSIONS)
    if not versions:
        found.required(field, f"must specify one of {known}")
        return
    for index, version in enumerate(versions):
        if version in versions[:index]:
            found.invalid(f"{field}[{index}]", version, "duplicate version")
        else:
            found.invalid(f"{field}[{index}]", version, *syntax.label_1035(version))
    if asked.known_versions and not _has_known_version(versions):
        found.invalid(field, list(versions), f"must include at least one of {known}")


def _has_known_version(versions: Sequence[str]) -> bool:
    return any(version in REVIEW_VERSIONS for version in versions)
