"""An operator: of each Site it makes a Deployment and a Service. docs/extending.md tells it step by step."""

import json
from contextlib import suppress
from pathlib import Path

import kopf
import yaml
from kubernetes import config, dynamic
from kubernetes.dynamic.exceptions import NotFoundError

CHILDREN = Path(__file__).with_name("children.yaml").read_text()


@kopf.on.startup()
def connect(memo, settings, **_):
    settings.persistence.finalizer = "examples.podlab.io/directory"
    settings.execution.max_workers = 1  # The client remembers what it discovers, and that is for one thread.
    memo.kubernetes = dynamic.DynamicClient(config.new_client_from_config())


@kopf.on.resume("sites")
@kopf.on.create("sites")
@kopf.on.update("sites", field="spec")
def deploy(memo, body, name, namespace, spec, patch, **_):
    said = CHILDREN.format(name=name, greeting=json.dumps(spec["greeting"]), replicas=spec["replicas"])
    children = list(yaml.safe_load_all(said))
    kopf.adopt(children)  # The Site owns them, so they are deleted with it.
    service, _ = [apply(memo, child, namespace, manager="site-operator") for child in children]
    patch.status["port"] = service.spec.ports[0].nodePort
    apply(memo, directory({name: spec["greeting"]}), namespace, manager=f"site-{name}")
    kopf.info(body, reason="Deployed", message=f"{spec['replicas']} pods say: {spec['greeting']}")


@kopf.on.event("deployments", labels={"site": kopf.PRESENT})
def report(memo, event, name, namespace, spec, status, **_):
    if event["type"] != "DELETED":
        said = {"status": {"ready": f"{status.get('readyReplicas', 0)}/{spec['replicas']}"}}
        sites = memo.kubernetes.resources.get(api_version="examples.podlab.io/v1", kind="Site")
        with suppress(NotFoundError):  # The Site may be gone before its Deployment is.
            sites.status.patch(said, name=name, namespace=namespace, content_type="application/merge-patch+json")


@kopf.on.delete("sites")
def leave(memo, name, namespace, **_):
    apply(memo, directory({}), namespace, manager=f"site-{name}")


def directory(entries):
    """No Site owns this ConfigMap of all Sites: that is why a Site has a finalizer, and `leave` takes its entry out."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "directory"}, "data": entries}


def apply(memo, body, namespace, manager):
    kind = memo.kubernetes.resources.get(api_version=body["apiVersion"], kind=body["kind"])
    name = body["metadata"]["name"]
    return memo.kubernetes.server_side_apply(kind, body, name=name, namespace=namespace, field_manager=manager)
