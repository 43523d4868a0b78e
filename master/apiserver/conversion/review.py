"""ConversionReviews: what a webhook is asked, and what is made of its answer. Pure.

https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#customresourcedefinition-v1-apiextensions-k8s-io
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from podlab.api.kinds import Kind
from podlab.api.serializer import custom
from podlab.api.values.jsonvalues import Json, described
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.errors import ApiError
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_annotations, check_labels

GROUP: Final = "apiextensions.k8s.io"
VERSIONS: Final = ("v1", "v1beta1")
"""Those of ConversionReview that are spoken."""
_KIND: Final = "ConversionReview"


class Refusal(Exception):
    """Why an answer cannot be used, in Kubernetes' words."""


@dataclass(frozen=True, slots=True)
class ConversionRequest:
    """Objects, of one kind, that are wanted in the version that `kind` is of. `version` is one of `VERSIONS`."""

    uid: str
    version: str
    kind: Kind
    objects: Sequence[Custom]

    @property
    def of(self) -> str:
        """What messages say is converted: the version that the first has."""
        first = self.objects[0]
        return f"{first.api_version}, Kind={first.kind}"

    def encoded(self) -> bytes:
        """As the webhook reads it."""
        head = orjson.dumps({"kind": _KIND, "apiVersion": f"{GROUP}/{self.version}"})
        request = orjson.dumps({"uid": self.uid, "desiredAPIVersion": self.kind.api_version})
        objects = b",".join(custom.to_json(one) for one in self.objects)
        return b"".join((head[:-1], b',"request":', request[:-1], b',"objects":[', objects, b"]}}"))


def spoken(accepted: Sequence[str]) -> str:
    """The first version of ConversionReview that a webhook accepts and we know. Raises Refusal."""
    found = next((version for version in accepted if version in VERSIONS), None)
    if found is None:
        raise Refusal("no supported conversion review versions")
    return found


def answered(request: ConversionRequest, body: bytes) -> list[Custom]:
    """The objects of an answer, in the order in which they were sent. Raises Refusal, whose message is whole."""
    try:
        found = _objects(request, _read(body))
    except Refusal as why:
        raise Refusal(f"conversion webhook for {request.of} failed: {why}") from why
    if len(found) != len(request.objects):
        told = f"returned {len(found)} objects, expected {len(request.objects)}"
        raise Refusal(f"conversion webhook for {request.of} {told}")
    return [_checked(request, index, value) for index, value in enumerate(found)]


def _read(body: bytes) -> dict[str, Json]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(f"couldn't get version/kind; json parse error: {error}") from error
    if not isinstance(found, dict):
        raise Refusal(f"couldn't get version/kind; json parse error: expected an object, found {described(found)}")
    return found


def _objects(request: ConversionRequest, review: Mapping[str, Json]) -> list[Json]:
    """What was converted, if the answer is one to the request, and says that all went well."""
    is_v1 = request.version == "v1"
    said = str(review.get("apiVersion") or ""), str(review.get("kind") or "")
    if is_v1 and said != (f"{GROUP}/v1", _KIND):
        raise Refusal(f"expected webhook response of {GROUP}/v1, Kind={_KIND}, got {said[0] or '/'}, Kind={said[1]}")
    response = review.get("response")
    if not isinstance(response, dict):
        raise Refusal("no response provided")
    if is_v1 and response.get("uid") != request.uid:
        raise Refusal(f'expected response.uid="{request.uid}", got "{response.get("uid") or ""}"')
    result = response.get("result")
    result = result if isinstance(result, dict) else {}
    if result.get("status") != "Success":
        message = result.get("message")
        raise Refusal(
            str(message) if message else f"response.result.status was '{result.get('status') or ''}', not 'Success'"
        )
    found = response.get("convertedObjects")
    return found if isinstance(found, list) else []


def _checked(request: ConversionRequest, index: int, value: Json) -> Custom:
    """One object, with the metadata that it had but for labels and annotations. Raises Refusal."""
    original, kind = request.objects[index], request.kind
    whose = f"conversion webhook for {request.of} returned invalid"
    which = f"converted object at index {index}" if len(request.objects) > 1 else "object"
    try:
        found = _same(original, kind, value)
    except Refusal as why:
        raise Refusal(f"{whose} {which}: {why}") from why
    try:
        return _restored(original, kind, found)
    except Refusal as why:
        where = f" in object at index {index}" if len(request.objects) > 1 else ""
        raise Refusal(f"{whose} metadata{where}: {why}") from why
    except ApiError as error:
        raise Refusal(f"{whose} {which}: {error.message}") from error


def _same(original: Custom, kind: Kind, value: Json) -> dict[str, Json]:
    """The object, which is the one that was sent, in the version that was asked for. Raises Refusal."""
    if not isinstance(value, dict):
        raise Refusal(f"expected an object, found {described(value)}")
    for name, words, wanted in (
        ("apiVersion", "groupVersion", kind.api_version),
        ("kind", "kind", original.kind),
    ):
        if value.get(name) != wanted:
            raise Refusal(f"invalid {words} (expected {wanted}, received {value.get(name) or ''})")
    metadata = value.get("metadata")
    own = metadata if isinstance(metadata, dict) else {}
    for name, words in (("name", "name"), ("namespace", "namespace"), ("uid", "UID")):
        had, has = getattr(original.metadata, name), own.get(name) or ""
        if had != has:
            raise Refusal(f"must have the same {words}: {had} != {has}")
    return value


def _restored(original: Custom, kind: Kind, value: Mapping[str, Json]) -> Custom:
    if "metadata" not in value:
        raise Refusal("missing metadata in converted object")
    metadata = value["metadata"]
    if not isinstance(metadata, dict):
        raise Refusal(f"invalid metadata of type {described(metadata)} in converted object")
    made = Custom(metadata=original.metadata, api_version=kind.api_version, kind=original.kind)
    for name, check in (("labels", check_labels), ("annotations", check_annotations)):
        marks = getattr(made.metadata, name)
        found = _marks(name, metadata.get(name))
        if found != dict(marks):
            faults = Findings()
            check(faults, f"metadata.{name}", found)
            if faults.causes:
                raise Refusal("; ".join(map(str, faults.causes)))
        marks.clear()
        marks.update(found)
    custom.set_content(made, value)
    return made


def _marks(name: str, value: Json) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refusal(f"invalid metadata.{name} of type {described(value)} in converted object")
    for key, text in value.items():
        if not isinstance(text, str):
            raise Refusal(f"metadata.{name}[{key}] must be a string, but is {described(text)} in converted object")
    return {key: str(text) for key, text in value.items()}
