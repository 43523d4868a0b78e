"""What a failed command says."""

import grpc
import pytest

from podlab.cli.failures import CommandError, message, while_doing
from podlab.errors import Cause, Invalid, NotFound, ServiceUnavailable
from podlab.settings import SettingsError

NAME = Cause("metadata.name", "FieldValueRequired", "Required value")
IMAGE = Cause("spec.image", "FieldValueRequired", "Required value")


def failed_call(details: str, code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details=details)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NotFound.of("pods", "x"), 'Error from server (NotFound): pods "x" not found'),
        (
            while_doing(NotFound.of("pods", "x"), "error when applying"),
            'Error from server (NotFound): error when applying: pods "x" not found',
        ),
        (
            Invalid.of("Deployment.apps", "web", [NAME]),
            'The Deployment "web" is invalid: metadata.name: Required value',
        ),
        (
            while_doing(Invalid.of("Pod", "web", [NAME, IMAGE]), "error when applying"),
            'The Pod "web" is invalid:\n* metadata.name: Required value\n* spec.image: Required value',
        ),
        (CommandError("no"), "error: no"),
        (SettingsError("bad"), "error: bad"),
        (FileNotFoundError(2, "No such file or directory", "x.yaml"), "error: x.yaml: No such file or directory"),
        (
            failed_call("failed to connect to all addresses; last error: ipv4:10.0.0.1:7443: Connection refused"),
            "error: the API server at 10.0.0.1:7443 cannot be reached: Connection refused: is the cluster up?"
            " (`make up`, `podlab lab list`)",
        ),
        (
            failed_call("last error: ipv4:10.0.0.1:7443: SSL_ERROR: CERTIFICATE_VERIFY_FAILED: it has expired: OK"),
            "error: the API server at 10.0.0.1:7443 has a certificate that cannot be trusted: it has expired:"
            " is it the cluster that .podlab/two/pki belongs to, and is the clock right?",
        ),
        (
            failed_call("Socket closed"),
            "error: the API server closed the connection unanswered: it is starting or stopping, or does not know the"
            " certificate in .podlab/two/pki (another cluster's, or expired)",
        ),
        (ServiceUnavailable("the kubelet is away"), "Error from server (ServiceUnavailable): the kubelet is away"),
        (
            failed_call("too slow", grpc.StatusCode.DEADLINE_EXCEEDED),
            "Error from server (Timeout): too slow",
        ),
        (
            KeyError("x"),
            "error: this is a defect of podlab itself: KeyError: 'x' (PODLAB_DEBUG=1 shows where)",
        ),
    ],
)
def test_every_failure_has_a_message_without_a_traceback(
    error: Exception, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PODLAB_CLUSTER", "two")
    assert message(error) == text
