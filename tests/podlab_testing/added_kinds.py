"""Kinds that tests add: a message, made here, and what a kind's file would say."""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.cells import Cells, Table, age
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Author, Strategy
from podlab.kinds.subresource import STATUS
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.rules import Rules
from podlab.meta.v1 import meta_pb2, options_pb2

GROUP = "example.test"
_FIELD = descriptor_pb2.FieldDescriptorProto


@cache
def deployment() -> Resource:
    """A kind with the name of another group's: what is deployed says its colour, and has to."""
    message = _message()
    return Resource(
        kinds.of(message),
        subresources=(STATUS,),
        load_strategy=_strategy,
        table=Table(_cells, ("NAME", "COLOUR", "AGE")),
        selectable_fields=("spec.colour",),
    )


def _strategy() -> Strategy:
    return Strategy(
        counts_generations=True,
        set_defaults=_set_defaults,
        rules=Rules(_check),
        warn=_warnings,
        record_author=_sign,
        is_held=lambda item: item.spec.colour == "held",
    )


def _warnings(new: Any, _: Any) -> list[str]:
    return ["spec.colour: mauve will not be served for ever"] if new.spec.colour == "mauve" else []


def _sign(item: Any, author: Author) -> None:
    item.metadata.annotations["example.test/author"] = author.name


def _set_defaults(item: Any) -> None:
    item.spec.size = item.spec.size or 1


def _check(found: Findings, item: Any) -> None:
    if not item.spec.colour:
        found.required("spec.colour", "everything has a colour")


def _cells(item: Any, now: Any) -> Cells:
    return [item.metadata.name, item.spec.colour, age(item, now)]


def _message() -> type[Message]:
    file = descriptor_pb2.FileDescriptorProto(
        name="tests/added/v1/deployment.proto", package="tests.added.v1", syntax="proto3"
    )
    file.dependency.append(meta_pb2.DESCRIPTOR.name)
    for name, fields in (
        ("DeploymentSpec", (("colour", _FIELD.TYPE_STRING, ""), ("size", _FIELD.TYPE_INT32, ""))),
        ("DeploymentStatus", (("phase", _FIELD.TYPE_STRING, ""),)),
        (
            "Deployment",
            (
                ("metadata", _FIELD.TYPE_MESSAGE, ".podlab.meta.v1.ObjectMeta"),
                ("spec", _FIELD.TYPE_MESSAGE, ".tests.added.v1.DeploymentSpec"),
                ("status", _FIELD.TYPE_MESSAGE, ".tests.added.v1.DeploymentStatus"),
            ),
        ),
    ):
        made = file.message_type.add(name=name)
        for number, (field, kind, type_name) in enumerate(fields, start=1):
            made.field.add(
                name=field,
                json_name=field,
                number=number,
                type=kind,
                label=_FIELD.LABEL_OPTIONAL,
                type_name=type_name or None,
            )
    names = file.message_type[-1].options.Extensions[options_pb2.resource]
    names.group, names.plural = GROUP, "deployments"
    names.short_names.append("edeploy")
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tests.added.v1.Deployment"))
