"""Service accounts' tokens: from kubectl, mounted into pods, used within the cluster, and gone with their pod."""

from __future__ import annotations

import base64
import json
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from podlab_testing.deployed import wait_until
from podlab_testing.kubectl import Kubectl

from podlab.lab.lab import Lab

MOUNT = "/var/run/secrets/podlab.test"
PYTHON = "/opt/podlab/venv/bin/python"
ASK = """
import json, pathlib, ssl, sys, urllib.error, urllib.request
mounted, address = pathlib.Path(sys.argv[1]), sys.argv[2]
trusted = ssl.create_default_context(cafile=mounted / "ca.crt")
token = (mounted / "token").read_text()
url = f"https://{address}/api/v1/namespaces/default/secrets"
request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
try:
    urllib.request.urlopen(request, timeout=10, context=trusted)
except urllib.error.HTTPError as answer:
    print(answer.code, json.loads(answer.read())["message"])
"""


def pod() -> dict[str, Any]:
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}},
        {"configMap": {"name": "kube-root-ca.crt"}},
        {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
    ]
    container = {
        "name": "web",
        "image": "podlab.local/hello:1.0",
        "volumeMounts": [{"name": "identity", "mountPath": MOUNT}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "labels": {"colour": "red"}},
        "spec": {
            "serviceAccountName": "builder",
            "containers": [container],
            "volumes": [{"name": "identity", "projected": {"sources": sources}}],
        },
    }


@pytest.fixture
def web(kubectl: Kubectl) -> dict[str, Any]:
    """A running pod with the account's token."""
    kubectl("create", "serviceaccount", "builder")
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump(pod()))
    kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=60s", timeout_s=70)
    found: dict[str, Any] = kubectl.json("get", "pod", "web")
    return found


def mounted(kubectl: Kubectl, name: str) -> str:
    return kubectl.out("exec", "web", "--", "cat", f"{MOUNT}/{name}")


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


@pytest.fixture
def as_bearer(kubectl: Kubectl) -> Callable[[str], Kubectl]:
    """kubectl with a token and no certificate."""

    def make(token: str) -> Kubectl:
        settings = yaml.safe_load(kubectl.kubeconfig.read_text())
        settings["users"] = [{"name": user["name"], "user": {"token": token}} for user in settings["users"]]
        path = kubectl.home / "bearer"
        path.write_text(yaml.safe_dump(settings))
        return Kubectl(kubectl.program, path, kubectl.home, kubectl.namespace)

    return make


def test_create_token(kubectl: Kubectl, web: dict[str, Any]) -> None:
    uid = web["metadata"]["uid"]
    plain = claims(kubectl.out("create", "token", "builder"))
    assert plain["exp"] - plain["iat"] == 3600
    assert plain["sub"] == f"system:serviceaccount:{kubectl.namespace}:builder"
    options = ("--duration=20m", "--audience=vault", "--bound-object-kind=Pod", "--bound-object-name=web")
    bound = claims(kubectl.out("create", "token", "builder", *options, f"--bound-object-uid={uid}"))
    assert (bound["aud"], bound["exp"] - bound["iat"]) == (["vault"], 1200)
    assert bound["kubernetes.io"]["pod"] == {"name": "web", "uid": uid}
    told = kubectl.refused("create", "token", "builder", "--duration=5m")
    assert "may not specify a duration less than 10 minutes" in told


def test_a_mounted_token_is_the_pods_and_dies_with_it(
    kubectl: Kubectl, web: dict[str, Any], as_bearer: Callable[[str], Kubectl]
) -> None:
    token = mounted(kubectl, "token")
    own = claims(token)["kubernetes.io"]
    assert own["pod"] == {"name": "web", "uid": web["metadata"]["uid"]}
    assert own["node"]["name"] == web["spec"]["nodeName"]
    bearer = as_bearer(token)
    told = f'User "system:serviceaccount:{kubectl.namespace}:builder" cannot list resource "secrets"'
    assert told in bearer.refused("get", "secrets")
    kubectl("delete", "pod", "web", "--grace-period=1")
    assert "Unauthorized" in bearer.refused("get", "secrets")


def test_files_follow_the_pods_labels(kubectl: Kubectl, web: dict[str, Any]) -> None:
    assert mounted(kubectl, "labels") == 'colour="red"'
    kubectl("label", "pod", "web", "colour=green", "--overwrite")
    wait_until(lambda: mounted(kubectl, "labels") == 'colour="green"', "the label in the pod's file", 30)


def test_a_program_in_the_cluster_reaches_the_api_server_and_knows_it(
    kubectl: Kubectl, web: dict[str, Any], lab: Lab
) -> None:
    """From the pod's own network, with what is mounted into the pod."""
    where = f"/var/lib/podlab/kubelet/pods/{web['metadata']['uid']}/volumes/identity"
    service = kubectl.inside("default").json("get", "service", "kubernetes")["spec"]["clusterIP"]
    script = textwrap.dedent(f"""
        for space in /run/netns/*; do
            nsenter --net=$space ip -4 -o address | grep -qw {web["status"]["podIP"]} || continue
            exec nsenter --net=$space {PYTHON} - {where} {service} <<'END'
        """)
    done = lab.run(web["spec"]["nodeName"], ["sh", "-c", f"{script}{ASK}\nEND\ndone"])
    assert done.returncode == 0, done.stderr
    assert f'403 secrets is forbidden: User "system:serviceaccount:{kubectl.namespace}:builder"' in done.stdout


@pytest.mark.alone
def test_pods_run_on_and_get_new_tokens_when_their_kubelet_was_away(
    kubectl: Kubectl, web: dict[str, Any], lab: Lab
) -> None:
    before = claims(mounted(kubectl, "token"))
    started = web["status"]["containerStatuses"][0]["containerID"]
    lab.run(web["spec"]["nodeName"], ["systemctl", "restart", "podlab-kubelet"])
    wait_until(lambda: claims(mounted(kubectl, "token"))["jti"] != before["jti"], "a new token in the pod", 60)
    assert kubectl.json("get", "pod", "web")["status"]["containerStatuses"][0]["containerID"] == started


def test_certificates_are_approved_and_denied(kubectl: Kubectl) -> None:
    name = kubectl.namespace
    request = base64.b64encode(_request()).decode()
    for suffix in ("good", "bad"):
        spec = {"request": request, "signerName": "example.com/people", "usages": ["client auth"]}
        spec["expirationSeconds"] = 3600
        manifest = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "spec": spec}
        kubectl("create", "-f", "-", stdin=yaml.safe_dump({**manifest, "metadata": {"name": f"{name}-{suffix}"}}))
    try:
        kubectl("certificate", "approve", f"{name}-good")
        kubectl("certificate", "deny", f"{name}-bad")
        good, bad = (kubectl.rows("get", "csr", f"{name}-{suffix}", "--no-headers")[0] for suffix in ("good", "bad"))
        assert good[2:] == ["example.com/people", "kubernetes-admin", "60m", "Approved"]
        assert bad[-1] == "Denied"
        assert "Approved" in kubectl.out("describe", "csr", f"{name}-good")
        assert "is already Approved" in kubectl.refused("certificate", "deny", f"{name}-good", "--force")
    finally:
        kubectl("delete", "csr", f"{name}-good", f"{name}-bad")


def test_an_approved_request_gives_a_certificate_that_kubectl_can_use(kubectl: Kubectl) -> None:
    name, key = kubectl.namespace, ec.generate_private_key(ec.SECP256R1())
    request = base64.b64encode(_request(key)).decode()
    spec = {"request": request, "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]}
    manifest = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "spec": spec}
    kubectl("create", "-f", "-", stdin=yaml.safe_dump({**manifest, "metadata": {"name": name}}))
    try:
        kubectl("certificate", "approve", name)
        signed = wait_until(lambda: kubectl.json("get", "csr", name)["status"].get("certificate"), "a certificate", 20)
        assert 'User "jane" cannot list resource "pods"' in _as_jane(kubectl, base64.b64decode(signed), key)
    finally:
        kubectl("delete", "csr", name)


def _as_jane(kubectl: Kubectl, certificate: bytes, key: ec.EllipticCurvePrivateKey) -> str:
    """What kubectl is told with this certificate and key."""
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    settings = yaml.safe_load(kubectl.kubeconfig.read_text())
    (user,) = settings["users"]
    user["user"] = {
        "client-certificate-data": base64.b64encode(certificate).decode(),
        "client-key-data": base64.b64encode(key.private_bytes(*form)).decode(),
    }
    own = kubectl.home / f"{kubectl.namespace}.kubeconfig"
    own.write_text(yaml.safe_dump(settings))
    return kubectl.with_environment(KUBECONFIG=str(own)).refused("get", "pods")


def _request(key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "jane")])
    key = key or ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)
