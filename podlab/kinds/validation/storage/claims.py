"""Claims: their own, those that StatefulSets make, and those of pods' ephemeral volumes."""

from collections.abc import Iterable, Mapping

from podlab.api.pods import volumes
from podlab.api.values import quantity
from podlab.core.v1 import claim_pb2, pod_pb2, volume_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_annotations, check_labels, check_selector
from podlab.kinds.validation.pods.resources import check_quantity
from podlab.meta.v1 import meta_pb2

VOLUME_MODES = ("Block", "Filesystem")
_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_ALONE = "ReadWriteOncePod"
_CHANGEABLE = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
)


def check_claim(found: Findings, claim: volume_pb2.PersistentVolumeClaim) -> None:
    """A PersistentVolumeClaim, whichever way it comes."""
    check_claim_spec(found, "spec", claim.spec)


def check_claim_spec(found: Findings, field: str, spec: claim_pb2.PersistentVolumeClaimSpec) -> None:
    """What a claim, or the template of one, asks for."""
    if not spec.accessModes:
        found.required(f"{field}.accessModes", "at least 1 access mode is required")
    check_access_modes(found, f"{field}.accessModes", spec.accessModes)
    check_selector(found, f"{field}.selector", spec.selector)
    if "storage" not in spec.resources.requests:
        found.required(f"{field}.resources[storage]")
    check_amounts(found, f"{field}.resources", spec.resources.requests)
    check_amounts(found, f"{field}.resources.limits", spec.resources.limits)
    if spec.storageClassName:
        found.invalid(f"{field}.storageClassName", spec.storageClassName, *syntax.subdomain(spec.storageClassName))
    found.one_of(f"{field}.volumeMode", spec.volumeMode, VOLUME_MODES)
    if spec.volumeName:
        found.invalid(f"{field}.volumeName", spec.volumeName, *syntax.subdomain(spec.volumeName))


def check_claim_template(found: Findings, field: str, template: pod_pb2.PersistentVolumeClaimTemplate) -> None:
    """The claim of an ephemeral volume. Its name is made up when there is a pod."""
    check_labels(found, f"{field}.metadata.labels", template.metadata.labels)
    check_annotations(found, f"{field}.metadata.annotations", template.metadata.annotations)
    for descriptor, _ in template.metadata.ListFields():
        if descriptor.name not in ("annotations", "labels"):
            found.forbidden(f"{field}.metadata.{descriptor.name}", "cannot be set")
    check_claim_spec(found, f"{field}.spec", template.spec)


def check_claim_names(found: Findings, pod: pod_pb2.Pod) -> None:
    """Those of the pod's ephemeral volumes."""
    for index, volume in enumerate(pod.spec.volumes):
        if volume.volumeSource.HasField("ephemeral") and volume.name and pod.metadata.name:
            name = volumes.claim_name(pod, volume)
            wrong = [f'PVC name "{name}": {why}' for why in syntax.subdomain(name)]
            found.invalid(f"spec.volumes[{index}].name", volume.name, *wrong)


def check_claim_update(
    found: Findings, new: volume_pb2.PersistentVolumeClaim, old: volume_pb2.PersistentVolumeClaim
) -> None:
    """A claim gets its volume and its class once; a bound one may ask for more."""
    bound = old.status.phase == "Bound"
    if _fixed(new.spec, old.spec, bound=bound) != _fixed(old.spec, old.spec, bound=bound):
        found.forbidden("spec", _CHANGEABLE)
    if bound:
        _check_shrinking(found, new, old)


def check_claim_status(found: Findings, claim: volume_pb2.PersistentVolumeClaim) -> None:
    """What the volume controller reports."""
    check_access_modes(found, "status.accessModes", claim.status.accessModes)
    check_amounts(found, "status.capacity", claim.status.capacity)


def _fixed(
    spec: claim_pb2.PersistentVolumeClaimSpec, old: claim_pb2.PersistentVolumeClaimSpec, *, bound: bool
) -> claim_pb2.PersistentVolumeClaimSpec:
    """A copy without what may be set now."""
    rest = claim_pb2.PersistentVolumeClaimSpec()
    rest.CopyFrom(spec)
    if bound:
        rest.resources.ClearField("requests")
    if not old.volumeName:
        rest.volumeName = ""
    if not old.HasField("storageClassName"):
        rest.ClearField("storageClassName")
    return rest


def _check_shrinking(
    found: Findings, new: volume_pb2.PersistentVolumeClaim, old: volume_pb2.PersistentVolumeClaim
) -> None:
    """What was asked for in vain may be taken back, down to what the claim has got."""
    asked, before = _storage(new.spec.resources.requests), _storage(old.spec.resources.requests)
    if asked < before and asked <= _storage(old.status.capacity):
        found.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")


def _storage(requests: Mapping[str, meta_pb2.Quantity]) -> float:
    try:
        return float(quantity.parse(requests["storage"])) if "storage" in requests else 0.0
    except ValueError:
        return 0.0  # found out elsewhere


def check_access_modes(found: Findings, field: str, modes: Iterable[str]) -> None:
    """What a volume can do, or what a claim asks of it."""
    given = list(modes)
    for mode in given:
        if mode not in _ACCESS_MODES:
            found.unsupported(field, mode, _ACCESS_MODES)
    if _ALONE in given and len(given) > 1:
        found.forbidden(field, f"may not use {_ALONE} with other access modes")


def check_amounts(found: Findings, field: str, amounts: Mapping[str, meta_pb2.Quantity]) -> None:
    """Sizes."""
    for name, given in amounts.items():
        where = f"{field}[{name}]"
        if check_quantity(found, where, given) == 0:
            found.invalid(where, given.string, "must be greater than zero")
