"""The documents: one of OpenAPI v3 for each group and version, and one of v2 that holds them all. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from master.apiserver.openapi import models, operations
from master.apiserver.openapi.schemas import Schemas
from podlab.api.kinds import Kind
from podlab.kinds.catalog import Catalog
from podlab.kinds.resource import Resource

Document = dict[str, object]
Served = tuple[tuple[Kind, Resource], ...]
Groups = tuple[tuple[str, str], ...]
"""Groups and versions."""

VERSION = "version"
_INFO_TITLE = "Podlab"


def all_of_v3(catalog: Catalog, descriptions: Mapping[str, str], version: str) -> dict[str, Document]:
    """By their place below /openapi/v3: version, api/v1, apis/apps/v1."""
    groups = built_in_groups(catalog)
    made = {place: document(served, groups, descriptions, version) for place, served in places(catalog).items()}
    return {VERSION: version_document(version), **made}


def places(catalog: Catalog) -> dict[str, Served]:
    """What is served at each place that has a document."""
    found: dict[str, list[tuple[Kind, Resource]]] = {}
    for kind in catalog.kinds:
        place = f"apis/{kind.group}/{kind.version}" if kind.group else f"api/{kind.version}"
        found.setdefault(place, []).append((kind, catalog.resource(kind)))
    return {place: tuple(served) for place, served in found.items()}


def built_in_groups(catalog: Catalog) -> Groups:
    """The groups and versions that are there whatever is defined, in the order of the kinds."""
    kinds = (kind for kind in catalog.kinds if catalog.resource(kind).schema_of is None)
    return tuple(dict.fromkeys((kind.group, kind.version) for kind in kinds))


def document(served: Served, groups: Groups, descriptions: Mapping[str, str], version: str) -> Document:
    """The document of one group and version."""
    custom = {kind: one.schema_of(kind) for kind, one in served if one.schema_of is not None}
    schemas = Schemas(descriptions, custom)
    schemas.plain(*models.PLAIN)
    schemas.status()
    schemas.delete_options(groups)
    described: dict[str, object] = {}
    for kind, resource in served:
        described.update(operations.paths(kind, resource.verbs, resource.served_below, schemas))
    return {
        "openapi": "3.0.0",
        "info": {"title": _INFO_TITLE, "version": version},
        "paths": dict(sorted(described.items())),
        "components": {"schemas": dict(sorted(schemas.made.items()))},
    }


def version_document(version: str) -> Document:
    """That of /version."""
    fields = (
        "major",
        "minor",
        "gitVersion",
        "gitCommit",
        "gitTreeState",
        "buildDate",
        "goVersion",
        "compiler",
        "platform",
    )
    model = "io.k8s.apimachinery.pkg.version.Info"
    told = {"description": "OK", "content": {"application/json": {"schema": {"$ref": models.REF + model}}}}
    get = {
        "description": "get the version of the server",
        "operationId": "getCodeVersion",
        "tags": ["version"],
        "responses": {"200": told},
    }
    info = {
        "type": "object",
        "description": "Which version of Kubernetes' API the server has, and how it was built.",
        "required": sorted(fields),
        "properties": {field: {"type": "string", "default": ""} for field in sorted(fields)},
    }
    return {
        "openapi": "3.0.0",
        "info": {"title": _INFO_TITLE, "version": version},
        "paths": {"/version/": {"get": get}},
        "components": {"schemas": {model: info}},
    }
