"""What stands in every namespace."""

from __future__ import annotations

from typing import Any

from podlab.core.v1 import config_pb2, namespace_pb2, serviceaccount_pb2
from podlab.meta.v1 import meta_pb2


def root_ca(seen: Any, namespace: str = "team") -> Any:
    return seen.informers.by_kind["ConfigMap"].get("kube-root-ca.crt", namespace)


def account(seen: Any) -> Any:
    return seen.informers.by_kind["ServiceAccount"].get("default", "team")


async def test_each_namespace_has_its_account_and_the_clusters_ca(seen: Any, controllers: Any) -> None:
    await seen.client.create(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="team")))
    await seen.until(lambda: account(seen) and root_ca(seen) and root_ca(seen, "kube-system"), "account and CA")
    assert root_ca(seen).data["ca.crt"].startswith("-----BEGIN CERTIFICATE-----")


async def test_they_come_back_and_the_ca_cannot_be_changed(seen: Any, controllers: Any) -> None:
    await seen.client.create(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="team")))
    await seen.until(lambda: account(seen) and root_ca(seen), "account and CA")
    before = account(seen).metadata.uid
    await seen.client.delete(serviceaccount_pb2.ServiceAccount, "default", "team")
    await seen.until(lambda: account(seen) and account(seen).metadata.uid != before, "a new account")
    right = dict(root_ca(seen).data)
    wrong = config_pb2.ConfigMap()
    wrong.CopyFrom(root_ca(seen))
    wrong.data["ca.crt"] = "another"
    wrong.metadata.labels["kept"] = "yes"
    await seen.client.update(wrong)
    await seen.until(lambda: root_ca(seen).metadata.labels.get("kept") and root_ca(seen).data == right, "the right CA")
