"""VolumeAttachments: which volume is attached where."""

from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.storage.drivernames import check_driver_name
from podlab.storage.v1 import volumeattachment_pb2 as pb

_METADATA_BYTES = 256 << 10
_MESSAGE_BYTES = 1024
_ONE_SOURCE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


def check_attachment(found: Findings, attachment: pb.VolumeAttachment) -> None:
    """A VolumeAttachment, whichever way it comes."""
    spec = attachment.spec
    check_driver_name(found, "spec.attacher", spec.attacher)
    _check_source(found, "spec.source", spec.source)
    found.invalid("spec.nodeName", spec.nodeName, *syntax.subdomain(spec.nodeName))


def check_attachment_update(found: Findings, new: pb.VolumeAttachment, old: pb.VolumeAttachment) -> None:
    """What is to be attached elsewhere is another attachment."""
    found.immutable("spec", new.spec, old.spec, None)


def check_attachment_status(found: Findings, attachment: pb.VolumeAttachment) -> None:
    """What the attacher has written."""
    told = attachment.status.attachmentMetadata
    if sum(len(key) + len(value) for key, value in told.items()) > _METADATA_BYTES:
        found.too_long("status.attachmentMetadata", _METADATA_BYTES)
    for name in ("attachError", "detachError"):
        error = getattr(attachment.status, name)
        if len(error.message) > _MESSAGE_BYTES:
            found.too_long(f"status.{name}.message", _METADATA_BYTES)
        if error.errorCode < 0:
            rule = "must be between 0 and 2147483647, inclusive"
            found.invalid(f"status.{name}.errorCode", error.errorCode, rule)


def _check_source(found: Findings, field: str, source: pb.VolumeAttachmentSource) -> None:
    by_name, inline = source.HasField("persistentVolumeName"), source.HasField("inlineVolumeSpec")
    if not by_name and not inline:
        found.required(field, _ONE_SOURCE)
    elif by_name and inline:
        found.forbidden(field, _ONE_SOURCE)
    elif inline:
        found.required(f"{field}.inlineVolumeSpec.csi", "has to be specified in the context of inline volumes")
    elif not source.persistentVolumeName:
        found.required(f"{field}.persistentVolumeName", "must specify non empty persistentVolumeName")
    else:
        name = source.persistentVolumeName
        found.invalid(f"{field}.persistentVolumeName", name, *syntax.subdomain(name))
