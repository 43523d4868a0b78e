"""What webhooks leave for the audit log, and for the client, in Kubernetes' form. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from master.apiserver.admission.rules.webhooks.hook import Hook
from master.apiserver.admission.rules.webhooks.review import JSON_PATCH, WebhookAnswer
from master.apiserver.admission.write import WriteContext
from podlab.api.values.jsonvalues import Json

_MUTATION = "mutation.webhook.admission.k8s.io/"
_PATCH = "patch.webhook.admission.k8s.io/"
_OPEN_MUTATION = f"failed-open.{_MUTATION}"
_OPEN_VALIDATING = "failed-open.validating.webhook.admission.k8s.io/"


def take(context: WriteContext, hook: Hook, answer: WebhookAnswer) -> None:
    """Its warnings, and its annotations under its own name."""
    context.warnings.extend(answer.warnings)
    for key, value in answer.annotations.items():
        context.annotations.setdefault(f"{hook.name}/{key}", value)


def mutation(context: WriteContext, hook: Hook, time: int, *, mutated: bool) -> None:
    """Whether the webhook has changed the object; `time` is 0 for the first time that it was asked, or 1."""
    note = {"configuration": hook.configuration, "webhook": hook.name, "mutated": mutated}
    context.annotations.setdefault(f"{_MUTATION}{_place(hook.index, time)}", orjson.dumps(note).decode())


def patch(context: WriteContext, hook: Hook, time: int, operations: Sequence[Json]) -> None:
    """What it has changed."""
    note = {
        "configuration": hook.configuration,
        "webhook": hook.name,
        "patch": operations,
        "patchType": JSON_PATCH,
    }
    context.annotations.setdefault(f"{_PATCH}{_place(hook.index, time)}", orjson.dumps(note).decode())


def mutation_failed_open(context: WriteContext, hook: Hook, time: int) -> None:
    """The write passes although the webhook could not be asked."""
    context.annotations.setdefault(f"{_OPEN_MUTATION}{_place(hook.index, time)}", hook.name)


def validation_failed_open(context: WriteContext, hook: Hook, index: int) -> None:
    """The same; `index` is its place among those that were asked."""
    context.annotations.setdefault(f"{_OPEN_VALIDATING}{_place(index, 0)}", hook.name)


def _place(index: int, time: int) -> str:
    return f"round_{time}_index_{index}"
