"""What the kubelet asks the API server of a volume before its driver mounts it."""

from __future__ import annotations

from node.kubelet.volume.csi import requests
from node.kubelet.volume.csi.driver import CsiError
from node.kubelet.volume.csi.requests import SecretName, Wanted
from node.kubelet.volume.token_manager import TokenManager
from podlab.api.pods.attachments import attachment_name
from podlab.client.client import Client
from podlab.core.v1 import config_pb2, pod_pb2
from podlab.errors import Conflict, Forbidden, NotFound
from podlab.storage.v1 import csi_pb2 as storage
from podlab.storage.v1.volumeattachment_pb2 import VolumeAttachment


class CsiApiReader:
    """All raise CsiError for what is not there or not given to the node, and ApiError."""

    def __init__(self, client: Client, tokens: TokenManager, node_name: str) -> None:
        self._client = client
        self._tokens = tokens
        self._node_name = node_name

    async def driver(self, name: str) -> storage.CSIDriver | None:
        """What the API knows of the driver; None when nothing."""
        try:
            return await self._client.get(storage.CSIDriver, name)
        except NotFound:
            return None

    async def attachment(self, wanted: Wanted) -> dict[str, str]:
        """What its driver's controller told when it attached the volume."""
        name = attachment_name(wanted.driver, wanted.handle, self._node_name)
        try:
            found = await self._client.get(VolumeAttachment, name)
        except (NotFound, Forbidden) as error:
            raise CsiError(f"volume {wanted.handle} is not attached to the node yet: {error}") from error
        if not found.status.attached:
            why = found.status.attachError.message
            raise CsiError(f"volume {wanted.handle} is not attached to the node yet{': ' + why if why else ''}")
        return dict(found.status.attachmentMetadata)

    async def secret(self, field: str, name: SecretName | None) -> dict[str, str]:
        """What drivers are given as text."""
        if name is None:
            return {}
        try:
            secret = await self._client.get(config_pb2.Secret, name.name, name.namespace)
            return {key: value.decode() for key, value in secret.data.items()}
        except (NotFound, Forbidden, UnicodeDecodeError) as error:
            why = "a value of it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error
            told = f"failed to get secret {name.namespace}/{name.name}: {why}"
            raise CsiError(f"fetching {field} failed: {told}") from None

    async def tokens(self, pod: pod_pb2.Pod, driver: storage.CSIDriver | None) -> dict[str, str]:
        """Those of the pod's service account that the driver is given, as it is told of them."""
        try:
            return requests.told_tokens(await self._tokens.read(pod, requests.tokens_of(driver)))
        except (NotFound, Forbidden, Conflict) as error:
            raise CsiError(f"failed to get the tokens of the pod's service account: {error}") from error
