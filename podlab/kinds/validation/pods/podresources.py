"""What a pod asks for as a whole: enough for its containers, and no less than any of them may use.

https://kubernetes.io/docs/tasks/configure-pod-container/assign-pod-level-resources/
"""

from podlab.api.pods import podresources
from podlab.api.pods.podresources import Amounts
from podlab.core.v1 import pod_pb2
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.pods.resources import check_requirements


def check_pod_resources(found: Findings, field: str, spec: pod_pb2.PodSpec) -> None:
    """`spec.resources`, where the pod has it. Amounts that cannot be read are compared with nothing."""
    if not spec.HasField("resources"):
        return
    before = found.count
    if spec.resources.claims:
        found.forbidden(f"{field}.claims", "claims cannot be set for Resources at pod-level")
    check_requirements(found, field, spec.resources, of_pod=True)
    if found.count > before:
        return
    try:
        sums = podresources.container_requests(spec), podresources.container_limits(spec)
        _check_sums(found, field, spec, *sums)
        _check_each(found, field, spec)
    except ValueError:  # the container's own checks name what is no quantity
        return


def _check_sums(found: Findings, field: str, spec: pod_pb2.PodSpec, requests: Amounts, limits: Amounts) -> None:
    pages = {name: amount for name, amount in limits.items() if name.startswith(podresources.HUGE_PAGES)}
    for side, sums, given in (
        ("requests", requests, spec.resources.requests),
        ("limits", pages, spec.resources.limits),
    ):
        own = podresources.amounts(given)
        for name in sorted(sums.keys() & own.keys()):
            if sums[name] > own[name]:
                least = podresources.text(name, sums[name])
                rule = f"must be greater than or equal to aggregate container {side} of {least}"
                found.invalid(f"{field}.{side}[{name}]", given[name].string, rule)


def _check_each(found: Findings, field: str, spec: pod_pb2.PodSpec) -> None:
    most = podresources.amounts(spec.resources.limits)
    for index, container in enumerate(spec.containers):
        limits = podresources.amounts(container.resources.limits)
        for name in sorted(limits.keys() & most.keys()):
            if limits[name] > most[name]:
                rule = f"must be less than or equal to pod limits of {spec.resources.limits[name].string}"
                where = f"{field}.containers[{index}][{name}].limits"
                found.invalid(where, container.resources.limits[name].string, rule)
