"""Fills Secrets of type kubernetes.io/service-account-token: the account's token, which dies with the Secret.

A Secret of an account that is not there, or no longer the one it was made for, is removed.
https://kubernetes.io/docs/concepts/security/service-accounts/#manually-create-an-api-token-for-a-serviceaccount
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from master.controllers.framework.informers import Index, Informers
from master.controllers.framework.loop import Loop
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key
from podlab.api.secrettypes import ACCOUNT_NAME, ACCOUNT_UID, SERVICE_ACCOUNT_TOKEN
from podlab.authentication.v1 import token_pb2
from podlab.client.client import Client
from podlab.client.informer import Change, Informer
from podlab.core.v1.config_pb2 import Secret
from podlab.core.v1.serviceaccount_pb2 import ServiceAccount
from podlab.errors import NotFound
from podlab.renewed import Renewed, changes

_KEYS = frozenset({"ca.crt", "namespace", "token"})
# As long as a token may live. Kubernetes' own of this kind have no end; these go with the Secret all the same.
_LIFE_S = 1 << 32

log = logging.getLogger(__name__)


class ServiceAccountTokensController:
    """Keys are Secrets'."""

    name: Final = "serviceaccount-token"

    def __init__(self, client: Client, informers: Informers, certificate: Path) -> None:
        self._client = client
        self._certificate = Renewed(certificate.read_bytes, [certificate])
        self._published = self._certificate()
        self._secrets: Informer[Secret] = informers.of(Secret)
        accounts: Informer[ServiceAccount] = informers.of(ServiceAccount)
        self._by_account: Index[Secret] = Index(self._secrets, _account)
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        self._secrets.on_change(self._secret_changed)
        accounts.on_change(self._account_changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._loop.run())
            group.create_task(self._follow())

    async def _follow(self) -> None:
        """The authority that pods know the API server by may change: then all that were filled are looked at."""
        async for certificate in changes(self._certificate, self._published):
            self._published = certificate
            for at, secret in self._secrets.store.items():
                if secret.type == SERVICE_ACCOUNT_TOKEN:
                    self._loop.queue.add(at)

    async def reconcile(self, at: Key) -> None:
        secret = self._secrets.store.get(at)
        if secret is None or secret.type != SERVICE_ACCOUNT_TOKEN or secret.metadata.HasField("deletionTimestamp"):
            return
        name, uid = secret.metadata.annotations.get(ACCOUNT_NAME, ""), secret.metadata.annotations.get(ACCOUNT_UID, "")
        try:
            account = await self._client.get(ServiceAccount, name, at.namespace)
        except NotFound:
            account = None
        if account is None or uid not in ("", account.metadata.uid):
            await self._client.delete(Secret, at.name, at.namespace, uid=secret.metadata.uid)
            log.info("%s: removed, for its service account %s is gone", at, name)
        elif not (uid and secret.data.keys() >= _KEYS and secret.data["token"]):
            await self._fill(secret, account)
        elif secret.data["ca.crt"] != self._published:
            filled = Secret()
            filled.CopyFrom(secret)
            filled.data["ca.crt"] = self._published
            await self._client.update(filled)
            log.info("%s: has the authorities of now", at)

    async def _fill(self, secret: Secret, account: ServiceAccount) -> None:
        spec = token_pb2.TokenRequestSpec(expirationSeconds=_LIFE_S)
        spec.boundObjectRef.kind, spec.boundObjectRef.apiVersion = "Secret", "v1"
        spec.boundObjectRef.name, spec.boundObjectRef.uid = secret.metadata.name, secret.metadata.uid
        status = await self._client.request_token(account.metadata.namespace, account.metadata.name, spec)
        filled = Secret()
        filled.CopyFrom(secret)
        filled.metadata.annotations[ACCOUNT_UID] = account.metadata.uid
        filled.data["token"] = status.token.encode()
        filled.data["namespace"] = account.metadata.namespace.encode()
        filled.data["ca.crt"] = self._published
        await self._client.update(filled)
        log.info("%s/%s: filled with a token", secret.metadata.namespace, secret.metadata.name)

    def _secret_changed(self, change: Change[Secret]) -> None:
        if change.new is not None and change.new.type == SERVICE_ACCOUNT_TOKEN:
            self._loop.queue.add(change.key)

    def _account_changed(self, change: Change[ServiceAccount]) -> None:
        for secret in self._by_account.get((change.key.namespace, change.key.name)):
            self._loop.queue.add(Key(GroupKind("", "Secret"), secret.metadata.namespace, secret.metadata.name))


def _account(secret: Secret) -> Iterator[tuple[str, str]]:
    """Whose token the Secret is to hold."""
    if secret.type == SERVICE_ACCOUNT_TOKEN:
        yield secret.metadata.namespace, secret.metadata.annotations.get(ACCOUNT_NAME, "")
