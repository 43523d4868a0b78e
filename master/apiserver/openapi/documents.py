"""The documents: one of OpenAPI v3 for each group and version, and one of v2 that holds them all. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from master.apiserver.openapi import models, operations
from master.apiserver.openapi.schemas import Schemas
from podlab.api.kinds import Kind
from podlab.kinds.catalog import Catalog
from podlab.kinds.resource import Resource

Document = dict[str, object]
_INFO_TITLE = "Podlab"


def all_of_v3(catalog: Catalog, descriptions: Mapping[str, str], version: str) -> dict[str, Document]:
    """By their place below /openapi/v3: api/v1, apis/apps/v1."""
    served: dict[tuple[str, str], list[Kind]] = {}
    for kind in catalog.kinds:
        served.setdefault((kind.group, kind.version), []).append(kind)
    found = {"version": _version_document(version)}
    for (group, group_version), kinds in served.items():
        place = f"apis/{group}/{group_version}" if group else f"api/{group_version}"
        found[place] = _document(
            [(kind, catalog.resource(kind)) for kind in kinds], descriptions, version, tuple(served)
        )
    return found


def _document(
    resources: list[tuple[Kind, Resource]],
    descriptions: Mapping[str, str],
    version: str,
    groups: tuple[tuple[str, str], ...],
) -> Document:
    schemas = Schemas(descriptions)
    schemas.plain(*models.PLAIN)
    schemas.status()
    schemas.delete_options(groups)
    described: dict[str, object] = {}
    for kind, resource in resources:
        described.update(operations.paths(kind, resource.verbs, resource.served_below, schemas))
    return {
        "openapi": "3.0.0",
        "info": {"title": _INFO_TITLE, "version": version},
        "paths": dict(sorted(described.items())),
        "components": {"schemas": dict(sorted(schemas.made.items()))},
    }


def _version_document(version: str) -> Document:
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
