"""What stands in every namespace."""

from __future__ import annotations

from typing import Any

from podlab_testing.cluster import Cluster
from podlab_testing.cluster_view import ClusterView

from master.controllers.settings import ControllersSettings
from podlab.api.kinds import GroupKind
from podlab.core.v1 import config_pb2, namespace_pb2, serviceaccount_pb2
from podlab.meta.v1 import meta_pb2


def root_ca(seen: ClusterView, namespace: str = "team") -> Any:
    return seen.informers.by_kind[GroupKind("", "ConfigMap")].get("kube-root-ca.crt", namespace)


def account(seen: ClusterView) -> Any:
    return seen.informers.by_kind[GroupKind("", "ServiceAccount")].get("default", "team")


async def test_each_namespace_has_its_account_and_the_clusters_ca(
    seen: ClusterView, controllers: ControllersSettings
) -> None:
    await seen.client.create(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="team")))
    await seen.until(lambda: account(seen) and root_ca(seen) and root_ca(seen, "kube-system"), "account and CA")
    assert root_ca(seen).data["ca.crt"].startswith("-----BEGIN CERTIFICATE-----")


async def test_they_come_back_and_the_ca_cannot_be_changed(seen: ClusterView, controllers: ControllersSettings) -> None:
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


def token_secret(seen: ClusterView) -> Any:
    return seen.informers.by_kind[GroupKind("", "Secret")].get("builder", "default")


async def test_a_secret_for_a_token_is_filled_and_goes_with_its_account(
    seen: ClusterView, controllers: ControllersSettings, cluster: Cluster
) -> None:
    account = serviceaccount_pb2.ServiceAccount(metadata=meta_pb2.ObjectMeta(name="builder", namespace="default"))
    await seen.client.create(account)
    secret = config_pb2.Secret(type="kubernetes.io/service-account-token")
    secret.metadata.name, secret.metadata.namespace = "builder", "default"
    secret.metadata.annotations["kubernetes.io/service-account.name"] = "builder"
    await seen.client.create(secret)
    await seen.until(lambda: token_secret(seen) and token_secret(seen).data.get("token"), "a token")
    found = token_secret(seen)
    assert found.data["namespace"] == b"default"
    assert found.data["ca.crt"].startswith(b"-----BEGIN CERTIFICATE-----")
    judged = await cluster.parts.rest.tokens.authenticator.authenticate_token(found.data["token"].decode(), ())
    assert judged.user.name == "system:serviceaccount:default:builder"
    await seen.client.delete(serviceaccount_pb2.ServiceAccount, "builder", "default")
    await seen.until(lambda: token_secret(seen) is None, "no Secret of an account that is gone")


async def test_a_secret_of_an_account_that_is_not_there_is_removed(
    seen: ClusterView, controllers: ControllersSettings
) -> None:
    secret = config_pb2.Secret(type="kubernetes.io/service-account-token")
    secret.metadata.name, secret.metadata.namespace = "builder", "default"
    secret.metadata.annotations["kubernetes.io/service-account.name"] = "nobody"
    uid = (await seen.client.create(secret)).metadata.uid
    await seen.until(lambda: token_secret(seen) is None, f"the Secret {uid} removed")
