"""Ingresses and their classes."""

from podlab.api.ingresses import CLASS_ANNOTATION
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.networking.v1 import ingress_pb2

_CONTROLLER_LENGTH = 250
_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_PATH_PARTS = ("//", "/./", "/../", "%2f", "%2F")
_PATH_ENDS = ("/..", "/.")


def check_ingress(found: Findings, ingress: ingress_pb2.Ingress) -> None:
    """An Ingress, whichever way it comes."""
    spec = ingress.spec
    if not spec.rules and not spec.HasField("defaultBackend"):
        found.invalid("spec", [], "either `defaultBackend` or `rules` must be specified")
    if spec.HasField("defaultBackend"):
        _check_backend(found, "spec.defaultBackend", spec.defaultBackend)
    for index, rule in enumerate(spec.rules):
        _check_rule(found, f"spec.rules[{index}]", rule)
    for index, tls in enumerate(spec.tls):
        for place, host in enumerate(tls.hosts):
            found.invalid(f"spec.tls[{index}].hosts[{place}]", host, *_host(host))
        if tls.secretName:
            found.invalid(f"spec.tls[{index}].secretName", tls.secretName, *syntax.subdomain(tls.secretName))
    if spec.HasField("ingressClassName"):
        found.invalid("spec.ingressClassName", spec.ingressClassName, *syntax.subdomain(spec.ingressClassName))
        if CLASS_ANNOTATION in ingress.metadata.annotations:
            told = ingress.metadata.annotations[CLASS_ANNOTATION]
            taken = "can not be set when the class field is also set"
            found.invalid(f"metadata.annotations[{CLASS_ANNOTATION}]", told, taken)


def check_ingress_status(found: Findings, ingress: ingress_pb2.Ingress) -> None:
    """Where a controller says that it is served."""
    for index, point in enumerate(ingress.status.loadBalancer.ingress):
        where = f"status.loadBalancer.ingress[{index}]"
        if point.ip:
            found.invalid(f"{where}.ip", point.ip, *syntax.ip_address(point.ip))
        if point.hostname:
            found.invalid(f"{where}.hostname", point.hostname, *syntax.dns_name(point.hostname))


def check_ingress_class(found: Findings, given: ingress_pb2.IngressClass) -> None:
    """An IngressClass, whichever way it comes."""
    controller = given.spec.controller
    if not controller:
        found.required("spec.controller")
    elif len(controller) > _CONTROLLER_LENGTH:
        found.too_long("spec.controller", _CONTROLLER_LENGTH)
    else:
        domain, slash, path = controller.partition("/")
        if not slash or not path:
            found.invalid("spec.controller", controller, 'must be a domain-prefixed path (such as "acme.io/foo")')
        else:
            found.invalid("spec.controller", domain, *syntax.subdomain(domain))
    if given.spec.HasField("parameters"):
        _check_parameters(found, "spec.parameters", given.spec.parameters)


def check_ingress_class_update(found: Findings, new: ingress_pb2.IngressClass, old: ingress_pb2.IngressClass) -> None:
    """Who serves a class stays."""
    found.immutable("spec.controller", new.spec.controller, old.spec.controller, new.spec.controller)


def _check_rule(found: Findings, field: str, rule: ingress_pb2.IngressRule) -> None:
    if rule.host:
        found.invalid(f"{field}.host", rule.host, *_host(rule.host))
    if not rule.ingressRuleValue.HasField("http"):
        return
    if not rule.ingressRuleValue.http.paths:
        found.required(f"{field}.http.paths")
    for index, path in enumerate(rule.ingressRuleValue.http.paths):
        where = f"{field}.http.paths[{index}]"
        if path.HasField("pathType"):
            _check_path(found, where, path)
        else:
            found.required(f"{where}.pathType", "pathType must be specified")
        _check_backend(found, f"{where}.backend", path.backend)


def _check_path(found: Findings, field: str, path: ingress_pb2.HTTPIngressPath) -> None:
    if path.pathType not in _PATH_TYPES:
        found.unsupported(f"{field}.pathType", path.pathType, _PATH_TYPES)
        return
    exacting = path.pathType != "ImplementationSpecific"
    if (exacting or path.path) and not path.path.startswith("/"):
        found.invalid(f"{field}.path", path.path, "must be an absolute path")
    if exacting:
        found.invalid(
            f"{field}.path", path.path, *(f"must not contain '{part}'" for part in _PATH_PARTS if part in path.path)
        )
        found.invalid(
            f"{field}.path", path.path, *(f"cannot end with '{end}'" for end in _PATH_ENDS if path.path.endswith(end))
        )


def _check_backend(found: Findings, field: str, backend: ingress_pb2.IngressBackend) -> None:
    service, resource = backend.HasField("service"), backend.HasField("resource")
    if service and resource:
        found.invalid(field, "", "cannot set both resource and service backends")
    elif resource:
        for name in ("kind", "name"):
            if not getattr(backend.resource, name):
                found.required(f"{field}.resource.{name}")
        if backend.resource.apiGroup:
            found.invalid(
                f"{field}.resource.apiGroup", backend.resource.apiGroup, *syntax.subdomain(backend.resource.apiGroup)
            )
    elif service:
        _check_service(found, f"{field}.service", backend.service)
    else:
        found.required(field, "resource or service backend is required")


def _check_service(found: Findings, field: str, service: ingress_pb2.IngressServiceBackend) -> None:
    if not service.name:
        found.required(f"{field}.name")
    else:
        found.invalid(f"{field}.name", service.name, *syntax.label_1035(service.name))
    port = service.port
    if port.name and port.number:
        found.invalid(field, "", "cannot set both port name & port number")
    elif port.name:
        found.invalid(f"{field}.port.name", port.name, *syntax.port_name(port.name))
    elif port.number:
        found.port(f"{field}.port.number", port.number)
    else:
        found.required(field, "port name or number is required")


def _check_parameters(found: Findings, field: str, given: ingress_pb2.IngressClassParametersReference) -> None:
    for name in ("kind", "name"):
        if not getattr(given, name):
            found.required(f"{field}.{name}")
    if given.apiGroup:
        found.invalid(f"{field}.apiGroup", given.apiGroup, *syntax.subdomain(given.apiGroup))
    found.one_of(f"{field}.scope", given.scope, ("Cluster", "Namespace"))
    if given.scope == "Namespace" and not given.namespace:
        found.required(f"{field}.namespace", "`parameters.scope` is set to 'Namespace'")
    elif given.scope == "Namespace":
        found.invalid(f"{field}.namespace", given.namespace, *syntax.label(given.namespace))
    elif given.HasField("namespace"):
        found.forbidden(f"{field}.namespace", "`parameters.scope` is set to 'Cluster'")


def _host(host: str) -> syntax.Faults:
    """A name whose first label may be an asterisk."""
    return syntax.subdomain(host[2:]) if host.startswith("*.") else syntax.dns_name(host)
