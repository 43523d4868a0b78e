from collections.abc import Callable

import pytest

from podlab.core.v1 import config_pb2, namespace_pb2
from podlab.meta.v1 import meta_pb2

Found = Callable[..., list[str]]


def config(**metadata: object) -> config_pb2.ConfigMap:
    made = config_pb2.ConfigMap()
    made.metadata.CopyFrom(meta_pb2.ObjectMeta(**{"name": "conf", "namespace": "default", **metadata}))  # type: ignore[arg-type]
    return made


def test_names_labels_annotations_and_owners_that_are_well_formed_pass(found: Found) -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u", "controller": True}
    assert (
        found(
            config(
                name="a.b-c",
                labels={"app.kubernetes.io/name": "web", "empty": ""},
                annotations={"Example.com/Note": "any\ntext"},
                ownerReferences=[owner],
                finalizers=["example.com/guard", "foregroundDeletion"],
            )
        )
        == []
    )


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"name": ""}, "metadata.name: Required value: name or generateName is required"),
        ({"name": "a" * 254}, "must be no more than 253 characters"),
        ({"generateName": "Web-"}, 'metadata.generateName: Invalid value: "Web-": a lowercase RFC 1123 subdomain'),
        ({"namespace": ""}, "metadata.namespace: Required value"),
        ({"namespace": "a.b"}, 'metadata.namespace: Invalid value: "a.b": a lowercase RFC 1123 label'),
        ({"labels": {"a": "b" * 64}}, "must be no more than 63 characters"),
        ({"labels": {"/a": ""}}, 'metadata.labels: Invalid value: "/a": prefix part must be non-empty'),
        ({"annotations": {"a b": ""}}, 'metadata.annotations: Invalid value: "a b": name part must consist of'),
        ({"annotations": {"a": "x" * 262144}}, "metadata.annotations: Too long: may not be more than 262144 bytes"),
        ({"finalizers": ["mine"]}, 'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard'),
        (
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p"}]},
            "metadata.ownerReferences[0].uid: Required value: must not be empty",
        ),
        (
            {
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": name, "controller": True} for name in "ab"
                ]
            },
            'metadata.ownerReferences: Invalid value: ["Pod/a","Pod/b"]: Only one reference can have Controller',
        ),
    ],
)
def test_bad_metadata_is_told_by_path_and_rule(found: Found, metadata: dict[str, object], told: str) -> None:
    lines = found(config(**metadata))
    assert len(lines) == 1
    assert told in lines[0]


def test_an_object_outside_of_namespaces_may_not_name_one(found: Found) -> None:
    namespace = namespace_pb2.Namespace()
    namespace.metadata.name, namespace.metadata.namespace = "team", "default"
    assert found(namespace) == ["metadata.namespace: Forbidden: not allowed on this type"]


@pytest.mark.parametrize("field", ["name", "uid", "namespace"])
def test_identity_may_not_change(found: Found, field: str) -> None:
    assert found(config(**{field: "other"}), config()) == [
        f'metadata.{field}: Invalid value: "other": field is immutable'
    ]


def test_no_finalizer_is_added_to_what_is_being_deleted(found: Found) -> None:
    going = {"deletionTimestamp": {"seconds": 5}, "finalizers": ["example.com/a"]}
    told = found(config(**{**going, "finalizers": ["example.com/a", "example.com/b"]}), config(**going))
    assert told == [
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, "
        "found new finalizers example.com/b"
    ]
    assert found(config(deletionTimestamp={"seconds": 5}), config(**going)) == []
