"""`podlab kubeconfig`: what kubectl and Kubernetes' client libraries need to reach the cluster, in one file."""

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.request import proxy_bypass

import typer
import yaml

from podlab.client.config import ClientConfig, load_client_config, state_directory
from podlab.settings import SettingsError

# Where the API server speaks Kubernetes' REST API.
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
    if warning := proxy_warning(config.rest[0], os.environ):
        typer.echo(warning, err=True)


def proxy_warning(host: str, environment: Mapping[str, str]) -> str:
    """What kubectl and others will do with the environment's proxy; empty where they ask the cluster itself.

    A kubeconfig can name a proxy, but cannot say that there is none.
    """
    proxies = {name.lower().removesuffix("_proxy"): value for name, value in environment.items() if value}
    if "https" not in proxies or proxy_bypass(host, proxies):
        return ""
    kept = f"{proxies['no']}," if "no" in proxies else ""
    return f"warning: kubectl obeys https_proxy, which does not know {host}: export NO_PROXY={kept}{host}"


def content(config: ClientConfig) -> str:
    """The kubeconfig of the administrator, with the certificates in it. Raises SettingsError."""
    host, port = config.rest
    user = f"{config.cluster}-admin"
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": config.cluster,
                    "cluster": {
                        "server": f"https://{host}:{port}",
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
