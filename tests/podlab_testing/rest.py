"""A deployed cluster's REST API, asked by this process itself.

A command costs half a second of a processor before it asks anything, and most of what tests do is look again.
"""

from __future__ import annotations

import argparse
import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Collection
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from podlab import ports
from podlab.api.kinds import Kind
from podlab.client.config import ClientConfig, load_client_config
from podlab_testing import builtin_kinds

# A master that reboots is away for that long at most.
AWAY_AT_MOST_S = 60.0
ANSWER_WITHIN_S = 30.0
ACCOUNT_WITHIN_S = 30.0


class Rest:
    """Goes on trying while the API server is away."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster

    def get(self, *arguments: str) -> Any:
        """What `podlab get` with these words and `-o json` shows. Raises NotThere."""
        wanted = _PARSER.parse_args(arguments)
        kind = builtin_kinds.CATALOG.resolve(wanted.kind)
        found = self._ask(_path(kind, wanted))
        for item in found.get("items", ()):
            item |= {"kind": kind.name, "apiVersion": kind.api_version}
        return found

    def exists(self, *arguments: str) -> bool:
        """Whether there is the object."""
        try:
            self.get(*arguments)
        except NotThere:
            return False
        return True

    def write_status(self, kind: str, namespace: str, name: str, status: dict[str, Any]) -> None:
        """As a controller does that saw the object just now."""
        arguments = (kind, name, "-n", namespace)
        path = _path(builtin_kinds.CATALOG.resolve(kind), _PARSER.parse_args(arguments))
        self._ask(f"{path}/status", "PUT", {**self.get(*arguments), "status": status})

    def apply(self, body: dict[str, Any]) -> None:
        """Creates the object that has this kind, name and namespace, or makes it say this."""
        metadata = body["metadata"]
        arguments = (body["kind"], metadata["name"], "-n", metadata.get("namespace", "default"))
        path = _path(builtin_kinds.CATALOG.resolve(body["kind"]), _PARSER.parse_args(arguments))
        self._ask(f"{path}?fieldManager=e2e&force=true", "PATCH", body, content_type="application/apply-patch+yaml")

    def delete(self, *arguments: str) -> None:
        """Asks for it, and does not wait; also when it is gone."""
        wanted = _PARSER.parse_args(arguments)
        path = _path(builtin_kinds.CATALOG.resolve(wanted.kind), wanted)
        self._ask(path, "DELETE", allowed=(http.client.NOT_FOUND,))

    def create_namespace(self, name: str) -> None:
        """With its service account, which pods need. Also when it is there already: an answer may have been lost."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self._ask("/api/v1/namespaces", "POST", body, allowed=(http.client.CONFLICT,))
        deadline = time.monotonic() + ACCOUNT_WITHIN_S
        while not self.exists("serviceaccount", "default", "-n", name):
            assert time.monotonic() < deadline, f"no service account in {name} within {ACCOUNT_WITHIN_S:.0f} s"
            time.sleep(0.05)

    def create_config_map(self, namespace: str, name: str) -> None:
        """Also when it is there already: an answer may have been lost."""
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        self._ask(f"/api/v1/namespaces/{namespace}/configmaps", "POST", body, allowed=(http.client.CONFLICT,))

    def delete_namespace(self, name: str) -> None:
        """Asks for it, and does not wait; also when it is gone."""
        self._ask(f"/api/v1/namespaces/{name}", "DELETE", allowed=(http.client.NOT_FOUND, http.client.CONFLICT))

    @cached_property
    def _config(self) -> ClientConfig:
        return load_client_config(self._cluster)

    @cached_property
    def _hosts(self) -> list[str]:
        """Those of the API servers, the one first that is asked."""
        return [server.rpartition(":")[0] for server in self._config.server.split(",")]

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=self._config.tls.ca)
        made.load_cert_chain(self._config.tls.cert, self._config.tls.key)
        return made

    def _ask(
        self,
        path: str,
        method: str = "GET",
        body: Any = None,
        *,
        allowed: Collection[int] = (),
        content_type: str = "application/json",
    ) -> Any:
        """The answer; a status that is allowed is one, too. Raises NotThere."""
        data = None if body is None else json.dumps(body).encode()
        deadline = time.monotonic() + AWAY_AT_MOST_S
        while True:
            url = f"https://{self._hosts[0]}:{ports.REST}{path}"
            request = urllib.request.Request(url, data, {"Content-Type": content_type}, method=method)
            try:
                with urllib.request.urlopen(request, timeout=ANSWER_WITHIN_S, context=self._tls) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                with error:
                    told = f"{method} {path}: {error.code} {error.read().decode()}"
                if error.code in allowed:
                    return {}
                if error.code == http.client.NOT_FOUND:
                    raise NotThere(told) from error
                if error.code != http.client.SERVICE_UNAVAILABLE:
                    raise AssertionError(told) from error
            except (OSError, http.client.HTTPException) as error:
                told = f"{method} {path}: {error}"
                self._hosts.append(self._hosts.pop(0))
            assert time.monotonic() < deadline, told
            time.sleep(0.2)


class NotThere(AssertionError):
    """There is no such object; a test that did not ask whether there is one has failed."""


_PARSER = argparse.ArgumentParser(prog="get", exit_on_error=False)
_PARSER.add_argument("kind")
_PARSER.add_argument("name", nargs="?")
_PARSER.add_argument("-n", dest="namespace", default="default")
_PARSER.add_argument("-A", dest="everywhere", action="store_true")
_PARSER.add_argument("-l", dest="labelSelector")
_PARSER.add_argument("--field-selector", dest="fieldSelector")


def _path(kind: Kind, wanted: argparse.Namespace) -> str:
    root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.api_version}"
    space = f"/namespaces/{wanted.namespace}" if kind.namespaced and not wanted.everywhere else ""
    name = f"/{wanted.name}" if wanted.name else ""
    selectors = {key: value for key in ("labelSelector", "fieldSelector") if (value := getattr(wanted, key))}
    return f"{root}{space}/{kind.plural}{name}" + (f"?{urlencode(selectors)}" if selectors else "")
