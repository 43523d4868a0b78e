# Copyright: Podlab contributors
# Apache License 2.0 (see LICENSE)
"""Objects of manifests: read, put in order, and compared."""

from __future__ import annotations

import copy
from pathlib import Path

try:
    import yaml
except ImportError:  # the modules say so
    yaml = None

ENDINGS = (".yaml", ".yml", ".json")
# What others stand in or are made of comes before them, and goes after them.
FIRST = (
    "Namespace",
    "CustomResourceDefinition",
    "PriorityLevelConfiguration",
    "StorageClass",
    "ServiceAccount",
    "ConfigMap",
    "Secret",
)
# What the server writes with every change, or others write all the time.
NOT_OURS = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")


class ManifestError(ValueError):
    """What is given is no object; the message says which and why."""


def read(path: Path) -> list[dict]:
    """Those of a file, or of all files of a folder. Raises ManifestError or OSError."""
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if each.suffix in ENDINGS)
        if not files:
            raise ManifestError(f"{path}: there is no file that ends in {', '.join(ENDINGS)}")
        return [each for file in files for each in read(file)]
    try:
        return objects(list(yaml.safe_load_all(path.read_text())), str(path))
    except yaml.YAMLError as error:
        raise ManifestError(f"{path}: {error}") from error


def given(definition: object) -> list[dict]:
    """Those of an argument: text with manifests, an object, or a list of them. Raises ManifestError."""
    if isinstance(definition, str):
        try:
            return objects(list(yaml.safe_load_all(definition)), "definition")
        except yaml.YAMLError as error:
            raise ManifestError(f"definition: {error}") from error
    return objects(definition if isinstance(definition, list) else [definition], "definition")


def objects(documents: list, where: str) -> list[dict]:
    found = []
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, dict) or not document.get("kind") or not document.get("apiVersion"):
            raise ManifestError(f"{where}: expected an object with apiVersion and kind, found {str(document)[:100]}")
        if document["kind"] == "List":
            found += objects(document.get("items") or [], where)
        elif not document.get("metadata", {}).get("name"):
            raise ManifestError(f"{where}: the {document['kind']} has no metadata.name")
        else:
            found.append(document)
    return found


def in_order(found: list[dict]) -> list[dict]:
    """As they are to be created."""
    return sorted(found, key=lambda each: FIRST.index(each["kind"]) if each["kind"] in FIRST else len(FIRST))


def comparable(found: dict | None) -> dict:
    """An object without what changes by itself; empty where there is none."""
    if found is None:
        return {}
    left = copy.deepcopy(found)
    left.pop("status", None)
    for name in NOT_OURS:
        left["metadata"].pop(name, None)
    return left


def named(found: dict) -> str:
    """How messages name an object."""
    namespace = found["metadata"].get("namespace")
    return f"{found['kind']} {f'{namespace}/' if namespace else ''}{found['metadata']['name']}"


def not_ready(found: dict) -> str:
    """Why an object is not yet what it is to become; empty where it is, or where nothing can be said of its kind."""
    status, spec, generation = found.get("status", {}), found.get("spec", {}), found["metadata"].get("generation", 0)
    kind = found["kind"]
    if kind in ("Deployment", "StatefulSet", "DaemonSet"):
        if status.get("observedGeneration", 0) < generation:
            return "its controller has not seen it yet"
        if kind == "DaemonSet":
            wanted, updated = status.get("desiredNumberScheduled", 0), status.get("updatedNumberScheduled", 0)
            ready = status.get("numberReady", 0)
        else:
            wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
            ready = status.get("readyReplicas", 0)
        return (
            ""
            if ready == updated == wanted == status.get("replicas", wanted)
            else f"{ready} of {wanted} pods are ready"
        )
    conditions = {each["type"]: each["status"] for each in status.get("conditions", [])}
    awaited = {
        "Pod": "Ready",
        "Job": "Complete",
        "CustomResourceDefinition": "Established",
        "APIService": "Available",
    }.get(kind)
    if awaited and conditions.get(awaited) != "True" and status.get("phase") != "Succeeded":
        return f"its condition {awaited} is {conditions.get(awaited, 'not there')}"
    return ""
