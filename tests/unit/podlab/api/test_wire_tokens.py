"""The binary form of what asks for tokens and certificates, and of volumes that the kubelet writes."""

from collections.abc import Callable

import pytest
from podlab_testing.wire_format import TIME, TIME_JSON, Case, assert_same, blob, metadata, number, pair

from podlab.api.serializer import codec
from podlab.authentication.v1.token_pb2 import TokenRequest, TokenReview
from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest
from podlab.core.v1.pod_pb2 import VolumeSource


def token_request_case() -> Case:
    bound = blob(3, blob(1, "Pod"), blob(2, "v1"), blob(3, "web"), blob(4, "u-1"))
    return (
        TokenRequest,
        metadata("a") + blob(2, blob(1, "vault"), bound, number(4, 600)) + blob(3, blob(1, "t"), blob(2, TIME)),
        {
            "metadata": {"name": "a"},
            "spec": {
                "audiences": ["vault"],
                "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "web", "uid": "u-1"},
                "expirationSeconds": 600,
            },
            "status": {"token": "t", "expirationTimestamp": TIME_JSON},
        },
    )


def token_review_case() -> Case:
    user = blob(2, blob(1, "jane"), blob(2, "7"), blob(3, "g"), pair(4, "k", blob(1, "v")))
    return (
        TokenReview,
        metadata("a")
        + blob(2, blob(1, "t"), blob(2, "vault"))
        + blob(3, number(1, 1), user, blob(3, "e"), blob(4, "x")),
        {
            "metadata": {"name": "a"},
            "spec": {"token": "t", "audiences": ["vault"]},
            "status": {
                "authenticated": True,
                "user": {"username": "jane", "uid": "7", "groups": ["g"], "extra": {"k": ["v"]}},
                "error": "e",
                "audiences": ["x"],
            },
        },
    )


def signing_request_case() -> Case:
    asked = (blob(1, "pem"), blob(2, "jane"), blob(3, "7"), blob(4, "g"), blob(5, "client auth"))
    spec = blob(2, *asked, pair(6, "k", blob(1, "v")), blob(7, "example.com/s"), number(8, 600))
    condition = (blob(1, "Approved"), blob(2, "R"), blob(3, "m"), blob(4, TIME), blob(5, TIME), blob(6, "True"))
    return (
        CertificateSigningRequest,
        metadata("a") + spec + blob(3, blob(1, *condition), blob(2, "crt")),
        {
            "metadata": {"name": "a"},
            "spec": {
                "request": "cGVt",
                "username": "jane",
                "uid": "7",
                "groups": ["g"],
                "usages": ["client auth"],
                "extra": {"k": ["v"]},
                "signerName": "example.com/s",
                "expirationSeconds": 600,
            },
            "status": {
                "conditions": [
                    {
                        "type": "Approved",
                        "status": "True",
                        "reason": "R",
                        "message": "m",
                        "lastUpdateTime": TIME_JSON,
                        "lastTransitionTime": TIME_JSON,
                    }
                ],
                "certificate": "Y3J0",
            },
        },
    )


@pytest.mark.parametrize("case", [token_request_case, token_review_case, signing_request_case])
def test_it_reads_from_and_writes_to_kubernetes_bytes(case: Callable[[], Case]) -> None:
    assert_same(*case())


def test_volumes_that_the_kubelet_writes_are_kubernetes_bytes() -> None:
    file = blob(1, blob(1, "labels"), blob(2, blob(1, "v1"), blob(2, "metadata.labels")), number(4, 0o400))
    secret = blob(1, blob(1, blob(1, blob(1, "s")), blob(2, blob(1, "k"), blob(2, "f")), number(4, 1)))
    config = blob(1, blob(3, blob(1, blob(1, "c"))))
    token = blob(1, blob(4, blob(1, "vault"), number(2, 600), blob(3, "token")))
    wire = blob(26, secret, blob(1, blob(2, file)), config, token, number(2, 0o440))
    assert codec.part_to_dict(VolumeSource.FromString(wire)) == {
        "projected": {
            "sources": [
                {"secret": {"name": "s", "items": [{"key": "k", "path": "f"}], "optional": True}},
                {
                    "downwardAPI": {
                        "items": [
                            {
                                "path": "labels",
                                "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.labels"},
                                "mode": 0o400,
                            }
                        ]
                    }
                },
                {"configMap": {"name": "c"}},
                {"serviceAccountToken": {"audience": "vault", "expirationSeconds": 600, "path": "token"}},
            ],
            "defaultMode": 0o440,
        }
    }
    assert codec.part_to_dict(VolumeSource.FromString(blob(16, file))) == {
        "downwardAPI": {
            "items": [
                {"path": "labels", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.labels"}, "mode": 0o400}
            ]
        }
    }
