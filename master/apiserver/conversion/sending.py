"""Sends ConversionReviews to webhooks, by the one HTTP client of the API server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from master.apiserver.egress.client import EgressClient, OutgoingRequest, WholeAnswer
from master.apiserver.egress.destinations import Destination, ServiceReference, Trust
from podlab.apiextensions.v1.customresourcedefinition_pb2 import WebhookClientConfig
from podlab.errors import InternalError

TIMEOUT_S: Final = 30
"""As Kubernetes waits for a webhook."""
ANSWER_BYTES: Final = 32 << 20
"""Eight times what is sent at once."""
_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json, */*"}


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """See `conversions.Ask`."""

    egress: EgressClient

    async def __call__(self, client: WebhookClientConfig, body: bytes) -> bytes:
        """Raises ApiError."""
        to, path = destination(client)
        request = OutgoingRequest(
            "POST",
            f"{path}?timeout={TIMEOUT_S}s",
            _HEADERS,
            body,
            Trust(ca_bundle=client.caBundle),
            timeout_s=TIMEOUT_S,
        )
        answer = await self.egress.call(to, request, most_bytes=ANSWER_BYTES)
        if not 200 <= answer.status < 300:
            raise InternalError(refusal(answer))
        return answer.body


def destination(client: WebhookClientConfig) -> tuple[Destination, str]:
    """Where a definition's webhook is, and the path that is called there; an address has its own."""
    if client.HasField("url"):
        return client.url, ""
    service = client.service
    path = service.path if service.path.startswith("/") else f"/{service.path}"
    return ServiceReference(service.namespace, service.name, service.port or 443), path


def refusal(answer: WholeAnswer) -> str:
    """What an answer that is no success means, in the words of Kubernetes' client."""
    if answer.status == 404:
        return "the server could not find the requested resource"
    if answer.status == 400:
        return "the server rejected our request for an unknown reason"
    if answer.status >= 500:
        said = answer.body.decode(errors="replace").strip() or "unknown"
        return f'an error on the server ("{said}") has prevented the request from succeeding'
    return "the server responded with the status code but did not return more information"
