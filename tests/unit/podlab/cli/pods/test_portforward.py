"""Ports as the command line names them, and as Services do."""

from __future__ import annotations

import pytest
import typer

from podlab.cli.failures import CommandError
from podlab.cli.pods.portforward import parsed, target_port
from podlab.core.v1 import pod_pb2, service_pb2


@pytest.mark.parametrize(
    ("text", "pair"), [("8080", (8080, 8080)), ("8000:80", (8000, 80)), (":80", (0, 80)), ("0:80", (0, 80))]
)
def test_a_pair_of_ports(text: str, pair: tuple[int, int]) -> None:
    assert parsed(text) == pair


@pytest.mark.parametrize("text", ["", "http", "80:", "1:2:3", "70000", "1:0"])
def test_what_is_no_pair_is_said(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="not a pair of ports"):
        parsed(text)


def test_a_services_port_is_the_pods_by_number_or_name() -> None:
    pod = pod_pb2.Pod()
    pod.spec.containers.add().ports.add(name="http", containerPort=8080)
    service = service_pb2.Service()
    service.spec.ports.add(port=80).targetPort.strVal = "http"
    service.spec.ports[0].targetPort.type = 1
    service.spec.ports.add(port=90).targetPort.intVal = 9090
    assert (target_port(service, pod, 80), target_port(service, pod, 90)) == (8080, 9090)
    with pytest.raises(CommandError, match="does not have a service port 81"):
        target_port(service, pod, 81)
    service.spec.ports[0].targetPort.strVal = "other"
    with pytest.raises(CommandError, match="no port named other"):
        target_port(service, pod, 80)
