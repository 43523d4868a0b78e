"""A webhook as its configuration says it, read once: every write is held against all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from master.apiserver.admission.rules.conditions import Conditions
from master.apiserver.admission.rules.matching import AdmissionTarget, Matcher, ResourceRule, ServedAs
from podlab.admissionregistration.v1 import webhookconfiguration_pb2 as webhooks_pb2
from podlab.api.selection import selectors
from podlab.cel.admission.expressions import RequestExpressions
from podlab.cel.values import CompileError

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
    index: int
    """Its place among all webhooks."""
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
    conditions: Conditions | None
    """None where they do not compile: another release has written them."""
    condition_error: str = ""
    is_conditional: bool = False
    """Whether it has any."""

    def may_take(self, served_as: Sequence[ServedAs], subresource: str, operation: str) -> bool:
        """Whether it may be about such a write, whatever it is of."""
        return bool(self.matcher.rules) and self.matcher.may_take(served_as, subresource, operation)

    def match(self, target: AdmissionTarget) -> ServedAs | None:
        """As what the write is shown to it; None when it is not about it. Its conditions have not been asked."""
        return self.matcher.match(target) if self.matcher.rules else None


def in_order(configurations: Iterable[Configuration]) -> list[Hook]:
    """The webhooks of all configurations, as they are asked: by the names of these."""
    ordered = sorted(configurations, key=lambda one: one.metadata.name)
    keyed = [one for configuration in ordered for one in _keyed(configuration)]
    return [_hook(key, index, configuration, webhook) for index, (key, configuration, webhook) in enumerate(keyed)]


def _keyed(configuration: Configuration) -> Iterator[tuple[str, str, Webhook]]:
    own = configuration.metadata.name
    met: dict[str, int] = {}
    webhooks: Sequence[Webhook] = configuration.webhooks
    for webhook in webhooks:
        met[webhook.name] = number = met.get(webhook.name, -1) + 1  # names of old configurations need not differ
        yield f"{own}/{webhook.name}/{number}", own, webhook


def _hook(key: str, index: int, configuration: str, webhook: Webhook) -> Hook:
    conditions, error = _conditions(webhook)
    return Hook(
        key=key,
        index=index,
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
        conditions=conditions,
        condition_error=error,
        is_conditional=bool(webhook.matchConditions),
    )


def _conditions(webhook: Webhook) -> tuple[Conditions | None, str]:
    try:
        return Conditions(webhook.matchConditions, RequestExpressions(has_params=False)), ""
    except CompileError as error:
        return None, str(error)


def _client(said: webhooks_pb2.WebhookClientConfig) -> WebhookClient:
    service = said.service
    return WebhookClient(said.url, service.namespace, service.name, service.port, service.path, said.caBundle)
