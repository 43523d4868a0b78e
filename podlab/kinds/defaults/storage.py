"""What claims get, and the templates of claims."""

from podlab.core.v1 import claim_pb2


def apply_to_claim_spec(spec: claim_pb2.PersistentVolumeClaimSpec) -> None:
    """What a claim, or the template of one, asks for."""
    if not spec.HasField("volumeMode"):
        spec.volumeMode = "Filesystem"
