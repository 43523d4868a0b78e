"""OCI image archives, as `ctr -n k8s.io images import` takes them. The same image always gives the same bytes.

Layers are stored uncompressed: they are small, import is quicker, and the bytes depend on no compressor's version.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from podlab.deploy.images.layer import Directory, Entry, File, layer

_LAYER = "application/vnd.oci.image.layer.v1.tar"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"

_Descriptor = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Image:
    """What an image is; `name` is the full reference (`podlab.local/hello:1.0`)."""

    name: str
    architecture: str
    layers: Sequence[bytes]
    entrypoint: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: Sequence[int] = ()


def archive(image: Image) -> bytes:
    """The image as an OCI layout in a tar."""
    blobs: dict[str, bytes] = {}
    layers = [_store(blobs, _LAYER, content) for content in image.layers]
    config = _store(blobs, _CONFIG, _json(_config(image)))
    manifest = _store(
        blobs,
        _MANIFEST,
        _json({"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": layers}),
    )
    manifest["annotations"] = {
        # containerd names the imported image by the first, other tools read the second.
        "io.containerd.image.name": image.name,
        "org.opencontainers.image.ref.name": image.name.rpartition(":")[2],
    }
    manifest["platform"] = {"architecture": image.architecture, "os": "linux"}
    entries: list[Entry] = [
        Directory(path="blobs"),
        Directory(path="blobs/sha256"),
        File(path="oci-layout", content=_json({"imageLayoutVersion": "1.0.0"})),
        File(path="index.json", content=_json({"schemaVersion": 2, "mediaType": _INDEX, "manifests": [manifest]})),
    ]
    entries.extend(File(path=f"blobs/sha256/{digest}", content=content) for digest, content in blobs.items())
    return layer(entries)


def _config(image: Image) -> dict[str, object]:
    return {
        "architecture": image.architecture,
        "os": "linux",
        "config": {
            "Entrypoint": list(image.entrypoint),
            "Env": [f"{name}={value}" for name, value in sorted(image.environment.items())],
            "ExposedPorts": {f"{port}/tcp": {} for port in image.ports},
            "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(content)}" for content in image.layers]},
    }


def _store(blobs: dict[str, bytes], media_type: str, content: bytes) -> _Descriptor:
    digest = _digest(content)
    blobs[digest] = content
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
