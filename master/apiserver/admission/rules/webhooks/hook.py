"""A webhook as its configuration says it, read once: every write is held against all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from master.apiserver.admission.rules.matching import AdmissionTarget, Matcher, ResourceRule, ServedAs
from podlab.admissionregistration.v1 import webhookconfiguration_pb2 as webhooks_pb2
from podlab.api.selection import selectors

Configuration = webhooks_pb2.MutatingWebhookConfiguration | webhooks_pb2.ValidatingWebhookConfiguration
Webhook = webhooks_pb2.MutatingWebhook | webhooks_pb2.ValidatingWebhook

_WITHOUT_EFFECTS: Final = frozenset({"None", "NoneOnDryRun"})


@dataclass(frozen=True, slots=True)
class WebhookClient:
    """How a webhook is reached: by an address, or by a Service."""

    url: str
    """Empty for a Service."""
    namespace: str
    name: str
    port: int
    path: str
    ca_bundle: bytes
    """Certificates as PEM; none: those that the server's host trusts."""


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook. `key` is its own among all of its kind, whatever its configuration becomes."""

    key: str
    name: str
    configuration: str
    client: WebhookClient
    matcher: Matcher
    ignores_failures: bool
    """Whether a write passes when the webhook cannot be asked."""
    may_run_dry: bool
    """Whether it is asked about writes that are only tried."""
    timeout_s: int
    review_versions: tuple[str, ...]
    reinvoked: bool
    """Whether it is asked again when others have changed the object after it."""
    conditions: tuple[tuple[str, str], ...]
    """Names and expressions."""

    def match(self, target: AdmissionTarget) -> ServedAs | None:
        """As what the write is shown to it; None when it is not about it. Its conditions have not been asked."""
        return self.matcher.match(target) if self.matcher.rules else None


def hooks_of(configuration: Configuration) -> Iterator[Hook]:
    """All of a configuration."""
    own = configuration.metadata.name
    met: dict[str, int] = {}
    for webhook in configuration.webhooks:
        met[webhook.name] = index = met.get(webhook.name, -1) + 1  # names of old configurations need not differ
        yield _hook(f"{own}/{webhook.name}/{index}", own, webhook)


def in_order(configurations: Iterable[Configuration]) -> list[Hook]:
    """The webhooks of all configurations, as they are asked: by the names of these."""
    ordered = sorted(configurations, key=lambda one: one.metadata.name)
    return [hook for configuration in ordered for hook in hooks_of(configuration)]


def _hook(key: str, configuration: str, webhook: Webhook) -> Hook:
    return Hook(
        key=key,
        name=webhook.name,
        configuration=configuration,
        client=_client(webhook.clientConfig),
        matcher=Matcher(
            [ResourceRule.of(rule) for rule in webhook.rules],
            (),
            selectors.from_message(webhook.namespaceSelector),
            selectors.from_message(webhook.objectSelector),
            webhook.matchPolicy != "Exact",
        ),
        ignores_failures=webhook.failurePolicy == "Ignore",
        may_run_dry=webhook.sideEffects in _WITHOUT_EFFECTS,
        timeout_s=webhook.timeoutSeconds,
        review_versions=tuple(webhook.admissionReviewVersions),
        reinvoked=isinstance(webhook, webhooks_pb2.MutatingWebhook) and webhook.reinvocationPolicy == "IfNeeded",
        conditions=tuple((one.name, one.expression) for one in webhook.matchConditions),
    )


def _client(said: webhooks_pb2.WebhookClientConfig) -> WebhookClient:
    service = said.service
    return WebhookClient(said.url, service.namespace, service.name, service.port, service.path, said.caBundle)
