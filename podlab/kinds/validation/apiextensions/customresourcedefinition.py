"""A CustomResourceDefinition, checked as Kubernetes checks it, and told in its words.

Kubernetes moves what all versions have alike to the spec before it looks: of a definition with one version, it tells of
spec.validation, spec.subresources, spec.additionalPrinterColumns and spec.selectableFields. So do we.
Source: https://github.com/kubernetes/apiextensions-apiserver/blob/master/pkg/apis/apiextensions/validation/validation.go
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from podlab.api import definitions
from podlab.apiextensions.v1 import customresourcedefinition_pb2 as pb
from podlab.kinds.validation import syntax, webhookclients
from podlab.kinds.validation.apiextensions import versions
from podlab.kinds.validation.findings import Findings

_SCOPES: Final = ("Cluster", "Namespaced")
_REVIEW_VERSIONS: Final = ("v1", "v1beta1")
_APPROVAL: Final = definitions.APPROVAL_ANNOTATION


def check(found: Findings, definition: pb.CustomResourceDefinition) -> None:
    """A definition, whichever way it comes."""
    spec = definition.spec
    if definition.metadata.name != f"{spec.names.plural}.{spec.group}":
        found.invalid("metadata.name", definition.metadata.name, 'must be spec.names.plural+"."+spec.group')
    _check_group(found, spec.group)
    found.one_of_required("spec.scope", spec.scope, _SCOPES)
    _check_versions(found, spec)
    for name in ("plural", "singular", "kind", "listKind"):
        if not getattr(spec.names, name):
            found.required(f"spec.names.{name}")
    _check_names(found, "spec.names", spec.names)
    versions.check_hoisted(found, spec)
    _check_conversion(found, spec.conversion)
    _check_stored_versions(found, definition.status.storedVersions, spec.versions)
    if spec.preserveUnknownFields:
        instead = "set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        found.invalid("spec.preserveUnknownFields", True, f"cannot set to true, {instead}")


def check_create(found: Findings, definition: pb.CustomResourceDefinition) -> None:
    """A new definition: one of a group of Kubernetes' own has been approved."""
    _check_approval(found, definition)
    if not found.count:
        versions.check_costs(found, definition.spec)


def check_update(found: Findings, new: pb.CustomResourceDefinition, old: pb.CustomResourceDefinition) -> None:
    """What objects are stored under stays, once there may be some."""
    if definitions.is_true(old, definitions.ESTABLISHED):
        found.immutable("spec.scope", new.spec.scope, old.spec.scope, new.spec.scope)
        kind = new.spec.names.kind
        found.immutable("spec.names.kind", kind, old.spec.names.kind, kind)
    found.immutable("spec.group", new.spec.group, old.spec.group, new.spec.group)
    plural = new.spec.names.plural
    found.immutable("spec.names.plural", plural, old.spec.names.plural, plural)
    if new.metadata.annotations.get(_APPROVAL) != old.metadata.annotations.get(_APPROVAL):
        _check_approval(found, new)
    if not found.count:
        versions.check_costs(found, new.spec, old.spec)


def check_status(found: Findings, definition: pb.CustomResourceDefinition) -> None:
    """The names that have been accepted."""
    _check_names(found, "status.acceptedNames", definition.status.acceptedNames)


def _check_group(found: Findings, group: str) -> None:
    if not group:
        found.required("spec.group")
    elif faults := syntax.subdomain(group):
        found.invalid("spec.group", group, ",".join(faults))
    elif "." not in group:
        found.invalid("spec.group", group, "should be a domain with at least one dot")


def _check_versions(found: Findings, spec: pb.CustomResourceDefinitionSpec) -> None:
    for index, version in enumerate(spec.versions):
        if not version.schema.HasField("openAPIV3Schema"):
            found.required(f"spec.versions[{index}].schema.openAPIV3Schema", "schemas are required")
    for index, version in enumerate(spec.versions):
        path = f"spec.versions[{index}]"
        if faults := syntax.label_1035(version.name):
            found.invalid(f"{path}.name", version.name, ",".join(faults))
        versions.check(found, spec, version, path)
    names = [version.name for version in spec.versions]
    if len(set(names)) < len(names):
        found.invalid("spec.versions", names, "must contain unique version names")
    if Counter(version.storage for version in spec.versions)[True] != 1:
        found.invalid("spec.versions", names, "must have exactly one version marked as storage version")


def _check_names(found: Findings, path: str, names: pb.CustomResourceDefinitionNames) -> None:
    for name in ("plural", "singular"):
        value = getattr(names, name)
        if value and (faults := syntax.label_1035(value)):
            found.invalid(f"{path}.{name}", value, ",".join(faults))
    for name in ("kind", "listKind"):
        value = getattr(names, name)
        if value and (faults := syntax.label_1035(value.lower())):
            matched = "may have mixed case, but should otherwise match: "
            found.invalid(f"{path}.{name}", value, matched + ",".join(faults))
    _check_labels(found, f"{path}.shortNames", names.shortNames)
    if names.kind and names.kind == names.listKind:
        found.invalid(f"{path}.listKind", names.listKind, "kind and listKind may not be the same")
    _check_labels(found, f"{path}.categories", names.categories)


def _check_labels(found: Findings, path: str, values: Sequence[str]) -> None:
    for index, value in enumerate(values):
        if faults := syntax.label_1035(value):
            found.invalid(f"{path}[{index}]", value, ",".join(faults))


def _check_conversion(found: Findings, conversion: pb.CustomResourceConversion) -> None:
    path = "spec.conversion"
    found.one_of_required(f"{path}.strategy", conversion.strategy, ("None", definitions.WEBHOOK))
    if conversion.strategy == definitions.WEBHOOK:
        _check_webhook(found, path, conversion.webhook)
        return
    told = "should not be set when strategy is not set to Webhook"
    if conversion.webhook.HasField("clientConfig"):
        found.forbidden("spec.conversion.webhookClientConfig", told)
    if conversion.webhook.conversionReviewVersions:
        found.forbidden("spec.conversion.conversionReviewVersions", told)


def _check_webhook(found: Findings, path: str, webhook: pb.WebhookConversion) -> None:
    """Kubernetes tells of its parts as those of the conversion."""
    field = f"{path}.webhookClientConfig"
    client = webhook.clientConfig
    if not webhook.HasField("clientConfig"):
        found.required(field, "required when strategy is set to Webhook")
    elif client.HasField("url") == client.HasField("service"):
        found.required(field, "exactly one of url or service is required")
    elif client.HasField("url"):
        webhookclients.check_url(found, f"{field}.url", client.url)
    else:
        service = client.service
        said = service.path if service.HasField("path") else None
        webhookclients.check_service(
            found, f"{field}.service", namespace=service.namespace, name=service.name, port=service.port, path=said
        )
    _check_review_versions(found, f"{path}.conversionReviewVersions", webhook.conversionReviewVersions)


def _check_review_versions(found: Findings, path: str, versions_read: Sequence[str]) -> None:
    if not versions_read:
        found.required(path)
        return
    for index, version in enumerate(versions_read):
        if version in versions_read[:index]:
            found.invalid(f"{path}[{index}]", version, "duplicate version")
        else:
            found.invalid(f"{path}[{index}]", version, *syntax.label_1035(version))
    if not set(versions_read) & set(_REVIEW_VERSIONS):
        known = ", ".join(_REVIEW_VERSIONS)
        found.invalid(path, list(versions_read), f"must include at least one of {known}")


def _check_stored_versions(
    found: Findings, stored: Sequence[str], known: Sequence[pb.CustomResourceDefinitionVersion]
) -> None:
    path = "status.storedVersions"
    if not stored:
        found.invalid(path, [], "must have at least one stored version")
        return
    for version in known:
        if version.storage and version.name not in stored:
            found.invalid(path, list(stored), f"must have the storage version {version.name}")
    names = {version.name for version in known}
    for index, name in enumerate(stored):
        if name not in names:
            found.invalid(
                f"{path}[{index}]",
                name,
                f"missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions"
                f" until a storage migration ensures no data remains persisted in {name} and removes {name} from"
                " status.storedVersions",
            )


def _check_approval(found: Findings, definition: pb.CustomResourceDefinition) -> None:
    """Groups of Kubernetes' own are for kinds that it has approved, or that say why they are not."""
    if not definitions.is_protected(definition.spec.group):
        return
    path, told = f"metadata.annotations[{_APPROVAL}]", f'protected groups must have approval annotation "{_APPROVAL}"'
    see = "see https://github.com/kubernetes/enhancements/pull/1111"
    said = definition.metadata.annotations.get(_APPROVAL)
    if not said:
        found.required(path, f"{told}, {see}")
    elif not said.startswith("unapproved") and not definitions.is_address(said):
        found.invalid(path, said, f'{told} with either a URL or a reason starting with "unapproved", {see}')
