"""`podlab kubeconfig`: what kubectl and Kubernetes' client libraries need to reach the cluster, in one file."""

import base64
import os
from pathlib import Path
from typing import Annotated

import typer
import yaml

from podlab.client.config import ClientConfig, load_client_config, state_directory
from podlab.settings import SettingsError

# Where the API server speaks Kubernetes' REST API.
REST_PORT = 6443
STDOUT = "-"


def kubeconfig(
    output: Annotated[
        str, typer.Option("--output", "-o", help="The file to write; - prints. Default: .podlab/<cluster>/kubeconfig.")
    ] = "",
) -> None:
    """Write a kubeconfig for kubectl and others.

    \b
    KUBECONFIG=.podlab/lab/kubeconfig kubectl get nodes
    """
    config = load_client_config()
    text = content(config)
    if output == STDOUT:
        typer.echo(text, nl=False)
        return
    path = Path(output) if output else state_directory(config.cluster) / "kubeconfig"
    try:
        write(path, text)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror}") from error
    typer.echo(f"{path} written: KUBECONFIG={path} kubectl get nodes")


def content(config: ClientConfig) -> str:
    """The kubeconfig of the administrator, with the certificates in it. Raises SettingsError."""
    host = config.server.rpartition(":")[0]
    user = f"{config.cluster}-admin"
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": config.cluster,
                    "cluster": {
                        "server": f"https://{host}:{REST_PORT}",
                        "certificate-authority-data": _embedded(config.tls.ca),
                    },
                }
            ],
            "users": [
                {
                    "name": user,
                    "user": {
                        "client-certificate-data": _embedded(config.tls.cert),
                        "client-key-data": _embedded(config.tls.key),
                    },
                }
            ],
            "contexts": [{"name": config.cluster, "context": {"cluster": config.cluster, "user": user}}],
            "current-context": config.cluster,
        },
        sort_keys=False,
    )


def write(path: Path, text: str) -> None:
    """Put the text there at once, for nobody else to read: there is a private key in it. Raises OSError."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    part.replace(path)


def _embedded(path: Path) -> str:
    try:
        return base64.b64encode(path.read_bytes()).decode()
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}: bring the cluster up with `make up`") from error
