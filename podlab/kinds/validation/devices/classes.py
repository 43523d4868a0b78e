"""DeviceClasses."""

from __future__ import annotations

from podlab.kinds.validation import syntax
from podlab.kinds.validation.devices.parts import check_configuration, check_selectors, fits
from podlab.kinds.validation.findings import Findings
from podlab.resource.v1 import deviceclass_pb2 as pb

_NATIVE_DOMAIN = "kubernetes.io/"


def check_new_class(found: Findings, given: pb.DeviceClass) -> None:
    """A DeviceClass that there was not."""
    _check_class(found, given.spec, pb.DeviceClassSpec())


def check_class_update(found: Findings, new: pb.DeviceClass, old: pb.DeviceClass) -> None:
    """What stays as it is has been valid."""
    _check_class(found, new.spec, old.spec)


def is_extended_resource(name: str) -> bool:
    """Whether containers can ask for it as a resource that is no native one."""
    if "/" not in name or _NATIVE_DOMAIN in name or name.startswith("requests."):
        return False
    return not syntax.qualified_name(f"requests.{name}")


def _check_class(found: Findings, spec: pb.DeviceClassSpec, old: pb.DeviceClassSpec) -> None:
    same = bool(old.selectors) and list(spec.selectors) == list(old.selectors)
    check_selectors(found, "spec.selectors", spec.selectors, stored=same)
    same = bool(old.config) and list(spec.config) == list(old.config)
    if fits(found, "spec.config", spec.config):
        for index, config in enumerate(spec.config):
            check_configuration(found, f"spec.config[{index}]", config.deviceConfiguration, stored=same)
    if spec.HasField("extendedResourceName") and not is_extended_resource(spec.extendedResourceName):
        name = spec.extendedResourceName
        found.invalid("spec.extendedResourceName", name, "must be a valid extended resource name")
