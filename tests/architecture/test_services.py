"""Every RPC of the components is implemented. The API server's and the relay's routes have tests of their own."""

import importlib

import pytest


@pytest.mark.parametrize(
    ("servicer", "service"),
    [
        ("master.scheduler.server:SchedulerServicer", "podlab.v1.scheduler_pb2:Scheduler"),
        ("node.kubelet.server.kubelet_server:KubeletServicer", "podlab.v1.kubelet_pb2:Kubelet"),
        ("node.kubelet.server.images_server:ImagesServicer", "podlab.v1.images_pb2:Images"),
        ("node.proxy.server:ProxyServicer", "podlab.v1.proxy_pb2:Proxy"),
        ("node.dns.tracing:DnsServicer", "podlab.v1.dns_pb2:Dns"),
    ],
)
def test_every_rpc_is_implemented(servicer: str, service: str) -> None:
    module, name = servicer.split(":")
    implementation = getattr(importlib.import_module(module), name)
    descriptor_module, service_name = service.split(":")
    descriptor = importlib.import_module(descriptor_module).DESCRIPTOR.services_by_name[service_name]
    for method in descriptor.methods:
        assert method.name in vars(implementation), f"{name} lacks {method.name}"
