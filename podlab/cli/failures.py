"""What a failed command says: one message, in kubectl's words where kubectl has some, never a traceback."""

import grpc

from podlab.client.config import STATE_DIRECTORY, cluster_name
from podlab.errors import ApiError, Invalid, ServiceUnavailable, from_rpc_error
from podlab.settings import SettingsError


class CommandError(Exception):
    """The command cannot do what was asked; the message is for the user."""


def message(error: Exception) -> str:
    """The lines that stand for the error on stderr."""
    if isinstance(error, grpc.aio.AioRpcError):
        error = shown_error(error)
    if isinstance(error, ServiceUnavailable) and _never_arrived(error):
        return _unreachable(error)
    if isinstance(error, Invalid):
        return _invalid(error)
    if isinstance(error, ApiError):
        return f"Error from server ({error.reason}): {error.message}"
    if isinstance(error, OSError) and error.filename is not None:
        return f"error: {error.filename}: {error.strerror}"
    if isinstance(error, CommandError | SettingsError | OSError):
        return f"error: {error}"
    return f"error: this is a defect of podlab itself: {type(error).__name__}: {error} (PODLAB_DEBUG=1 shows where)"


def shown_error(error: grpc.aio.AioRpcError) -> ApiError:
    """The error as a value; that it never arrived at a server can still be seen from it."""
    converted = from_rpc_error(error)
    converted.__cause__ = error
    return converted


def while_doing(error: ApiError, doing: str) -> ApiError:
    """The same error, saying what was being done. Invalid names its object already, as kubectl leaves it."""
    if isinstance(error, Invalid):
        return error
    named = type(error)(f"{doing}: {error.message}", kind=error.kind, name=error.name, causes=error.causes)
    named.__cause__ = error.__cause__
    return named


def _invalid(error: Invalid) -> str:
    """kubectl's form: the kind without its group first, several causes as a list."""
    if not error.causes:
        return f"The {error.message}"
    start = f'The {error.kind.partition(".")[0]} "{error.name}" is invalid:'
    if len(error.causes) == 1:
        return f"{start} {error.causes[0]}"
    return "\n".join([start, *(f"* {cause}" for cause in error.causes)])


def _never_arrived(error: ServiceUnavailable) -> bool:
    """True when gRPC itself failed, rather than the server answering that something behind it did."""
    cause = error.__cause__
    return isinstance(cause, grpc.aio.AioRpcError) and not any(
        name == "grpc-status-details-bin" for name, _ in cause.trailing_metadata() or ()
    )


def _unreachable(error: ServiceUnavailable) -> str:
    # gRPC's own text ends in the cause that a person can act upon.
    address, cause = "", error.message
    if "ipv4:" in cause:
        address, _, cause = cause.rpartition("ipv4:")[2].partition(": ")
        address = f" at {address}"
    return f"error: the API server{address} {_trouble(cause)}"


def _trouble(cause: str) -> str:
    """What is wrong with the way to the server, and what to do about it."""
    pki = f"{STATE_DIRECTORY}/{cluster_name()}/pki"
    _, unverified, why = cause.partition("CERTIFICATE_VERIFY_FAILED: ")
    if unverified:
        return (
            f"has a certificate that cannot be trusted: {why.removesuffix(': OK')}:"
            f" is it the cluster that {pki} belongs to, and is the clock right?"
        )
    if "Socket closed" in cause or "Connection reset" in cause:
        return (
            f"closed the connection unanswered: it is starting or stopping, or does not know the certificate in {pki}"
            " (another cluster's, or expired)"
        )
    return f"cannot be reached: {cause}: is the cluster up? (`make up`, `podlab lab list`)"
