"""The short word that tells one template's pods from another's: it only has to make a name, and may collide."""

from __future__ import annotations

from podlab.core.v1 import pod_pb2

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_FNV_OFFSET, _FNV_PRIME = 0x811C9DC5, 0x01000193


def template_hash(template: pod_pb2.PodTemplateSpec, collisions: int) -> str:
    """A short word for the template; another one for each number of collisions met so far."""
    digest = _FNV_OFFSET
    for byte in template.SerializeToString(deterministic=True) + (str(collisions).encode() if collisions else b""):
        digest = ((digest ^ byte) * _FNV_PRIME) & 0xFFFFFFFF
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in str(digest))
