"""AdmissionReviews: what a webhook is asked, and whether its answer can be believed.

Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import orjson

from master.apiserver.patching.document import read as read_document
from podlab.api.values.jsonvalues import Json, described
from podlab.errors import ApiError

GROUP: Final = "admission.k8s.io"
KIND: Final = "AdmissionReview"
V1: Final = "v1"
VERSIONS: Final = (V1, "v1beta1")
"""Those that are spoken."""
JSON_PATCH: Final = "JSONPatch"

T = TypeVar("T")


class BadAnswer(Exception):
    """An answer that means nothing, and why, as errors tell it."""


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What a webhook has said of a write."""

    allowed: bool
    patch: Sequence[Json] = ()
    """The operations of a JSON patch."""
    result: Mapping[str, Json] = field(default_factory=dict)
    """A Status."""
    warnings: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)


def version(accepted: Sequence[str]) -> str:
    """The first that the webhook takes. Raises BadAnswer when it takes none that is spoken."""
    found = next((one for one in accepted if one in VERSIONS), None)
    if found is None:
        told = f"webhook does not accept known AdmissionReview versions ({', '.join(VERSIONS)})"
        raise BadAnswer(f"could not create admission objects: {told}")
    return found


def encoded(asked_version: str, request: Mapping[str, object]) -> bytes:
    """What is sent to ask about the request, an AdmissionRequest."""
    return orjson.dumps({"kind": KIND, "apiVersion": f"{GROUP}/{asked_version}", "request": request})


def read(body: bytes, asked_version: str, uid: str, *, mutating: bool) -> WebhookAnswer:
    """The answer to a request of this `uid`. Raises BadAnswer."""
    try:
        review = read_document(body)
    except ApiError as error:
        raise _unreadable(f"couldn't get version/kind; json parse error: {error.message}") from error
    if not isinstance(review, dict):
        told = f"expected an object, found {described(review)}"
        raise _unreadable(f"couldn't get version/kind; json parse error: {told}")
    response = _told(review, "response", dict)
    if response is None:
        raise _invalid("webhook response was absent")
    if asked_version == V1:
        _check_identity(review, response, uid)
        _check_patch(response, mutating=mutating)
    return WebhookAnswer(
        allowed=_told(response, "allowed", bool) or False,
        patch=_patch(response, asked_version) if mutating else (),
        result=_told(response, "status", dict) or {},
        warnings=tuple(_texts(response, "warnings")),
        annotations=_annotations(response),
    )


def _check_identity(review: Mapping[str, Json], response: Mapping[str, Json], uid: str) -> None:
    """Webhooks of v1beta1 need not say any of it."""
    if (said := response.get("uid") or "") != uid:
        raise _invalid(f'expected response.uid="{uid}", got "{said}"')
    api_version, kind = review.get("apiVersion") or "/", review.get("kind") or ""
    if (api_version, kind) != (f"{GROUP}/{V1}", KIND):
        raise _invalid(f"expected webhook response of {GROUP}/{V1}, Kind={KIND}, got {api_version}, Kind={kind}")


def _check_patch(response: Mapping[str, Json], *, mutating: bool) -> None:
    patch, patch_type = response.get("patch"), response.get("patchType")
    if not mutating:
        for name, value in (("patch", patch or None), ("patchType", patch_type)):
            if value is not None:
                raise _invalid(f"validating webhook may not return response.{name}")
    elif patch and patch_type is None:
        raise _invalid("webhook returned response.patch but not response.patchType")
    elif not patch and patch_type is not None:
        raise _invalid("webhook returned response.patchType but not response.patch")
    elif patch_type == "":
        raise _invalid('webhook returned invalid response.patchType of ""')


def _patch(response: Mapping[str, Json], asked_version: str) -> Sequence[Json]:
    text = _told(response, "patch", str)
    if not text:
        return ()
    if asked_version == V1 and response.get("patchType") != JSON_PATCH:
        raise BadAnswer(f'unsupported patch type "{response.get("patchType")}"')
    try:
        patch = read_document(base64.b64decode(text, validate=True))
    except (ApiError, binascii.Error) as error:
        told = error.message if isinstance(error, ApiError) else error
        raise BadAnswer(f"received undecodable patch in webhook response: {told}") from error
    if not isinstance(patch, list):
        told = f"expected a list of operations, found {described(patch)}"
        raise BadAnswer(f"received undecodable patch in webhook response: {told}")
    return patch


def _texts(response: Mapping[str, Json], name: str) -> list[str]:
    found = _told(response, name, list) or []
    return [_checked(one, f"response.{name}[{index}]", str) for index, one in enumerate(found)]


def _annotations(response: Mapping[str, Json]) -> dict[str, str]:
    found = _told(response, "auditAnnotations", dict) or {}
    return {key: _checked(value, f"response.auditAnnotations[{key}]", str) for key, value in found.items()}


def _told(of: Mapping[str, Json], name: str, wanted: type[T]) -> T | None:
    """None where nothing is said."""
    value = of.get(name)
    return None if value is None else _checked(value, name, wanted)


def _checked(value: object, name: str, wanted: type[T]) -> T:
    if not isinstance(value, wanted):
        raise _unreadable(f"json: cannot unmarshal {described(value)} into {name}")
    return value


def _unreadable(why: str) -> BadAnswer:
    return BadAnswer(f"failed to call webhook: {why}")


def _invalid(why: str) -> BadAnswer:
    return BadAnswer(f"received invalid webhook response: {why}")
