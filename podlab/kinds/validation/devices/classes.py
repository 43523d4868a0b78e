"""DeviceClasses."""

from __future__ import annotations

from podlab.kinds.validation import syntax
from podlab.kinds.validation.devices.parts import check_configuration, check_selectors, fits
from podlab.kinds.validation.findings import Findings
from podlab.resource.v1 import deviceclass_pb2 as pb


def check_new_class(found: Findings, given: pb.DeviceClass) -> None:
    """A DeviceClass that there was not."""
    _check_class(found, given.spec, pb.DeviceClassSpec())


def check_class_update(found: Findings, new: pb.DeviceClass, old: pb.DeviceClass) -> None:
    """What stays as it is has been valid."""
    _check_class(found, new.spec, old.spec)


def _check_class(found: Findings, spec: pb.DeviceClassSpec, old: pb.DeviceClassSpec) -> None:
    same = bool(old.selectors) and list(spec.selectors) == list(old.selectors)
    check_selectors(found, "spec.selectors", spec.selectors, stored=same)
    same = bool(old.config) and list(spec.config) == list(old.config)
    if fits(found, "spec.config", spec.config):
        for index, config in enumerate(spec.config):
            check_configuration(found, f"spec.config[{index}]", config.deviceConfiguration, stored=same)
    if spec.HasField("extendedResourceName") and not syntax.is_extended_resource(spec.extendedResourceName):
        name = spec.extendedResourceName
        found.invalid("spec.extendedResourceName", name, "must be a valid extended resource name")
