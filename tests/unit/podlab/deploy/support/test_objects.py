"""Objects in a bundle: without the data of Secrets, in whatever they stand."""

import base64
import json
from typing import Any

from podlab.deploy.support.objects import cleaned, secret_values
from podlab.deploy.support.redaction import LEFT_OUT

DATA = base64.b64encode(b"correct horse").decode()


def test_of_a_secret_there_are_names_and_sizes() -> None:
    secret: dict[str, Any] = {
        "kind": "Secret",
        "metadata": {
            "name": "db",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": f'{{"data":"{DATA}"}}', "team": "a"},
        },
        "data": {"value": DATA},
        "type": "Opaque",
    }
    told = cleaned(secret)
    assert told["data"] == {"value": f"{LEFT_OUT}: 20 characters"}
    assert told["metadata"] == {"name": "db", "annotations": {"team": "a"}}
    assert told["type"] == "Opaque"
    assert list(secret_values([secret])) == [DATA, "correct horse"]


def test_bytes_that_are_no_text_are_known_as_they_are_stored() -> None:
    data = base64.b64encode(b"\xff\xfe\xfd").decode()
    assert list(secret_values([{"data": {"a": data}}, {"kind": "Secret"}])) == [data]


def test_variables_and_fields_that_are_called_like_secrets_are_left_out() -> None:
    reference = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "db", "key": "token"}}}
    variables = [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "LEVEL", "value": "debug"}, reference]
    told = cleaned({"kind": "Pod", "spec": {"containers": [{"env": variables}], "password": "x", "replicas": 2}})
    assert "hunter2" not in json.dumps(told)
    assert told["spec"] == {
        "containers": [{"env": [{"name": "DB_PASSWORD", "value": LEFT_OUT}, *variables[1:]]}],
        "password": LEFT_OUT,
        "replicas": 2,
    }


def test_an_object_without_secrets_is_told_whole() -> None:
    service = {
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"ports": [{"port": 80}], "clusterIP": "10.96.0.9"},
    }
    assert cleaned(service) == service
