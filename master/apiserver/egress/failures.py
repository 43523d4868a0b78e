"""Why a request could not be sent or answered, in the words that Kubernetes' users know from Go."""

from __future__ import annotations

import os
import socket
import ssl

import aiohttp

from podlab.errors import ApiError, ServiceUnavailable, Timeout

DEADLINE = "context deadline exceeded"
_UNKNOWN_AUTHORITY = "x509: certificate signed by unknown authority"
_VALIDITY = "x509: certificate has expired or is not yet valid"
# OpenSSL's numbers: X509_V_ERR_*.
_CERTIFICATES = {
    9: _VALIDITY,
    10: _VALIDITY,
    18: _UNKNOWN_AUTHORITY,
    19: _UNKNOWN_AUTHORITY,
    20: _UNKNOWN_AUTHORITY,
    21: _UNKNOWN_AUTHORITY,
}

# ClientOSError is what a request comes to whose connection was closed while its head or body was written.
_UNANSWERED = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionResetError)


class Unconnected(ServiceUnavailable):
    """There is no connection, so that nothing has been asked: another endpoint may be."""


class Unanswered(ServiceUnavailable):
    """The connection ended before anything was answered: whoever is asked may not have heard of it."""


def failure(error: Exception, place: str) -> ApiError:
    """The error as one of ours. `place` is the host and port that was to be reached."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return Unconnected(f"dial tcp {place}: i/o timeout")
    if isinstance(error, TimeoutError):
        return Timeout(DEADLINE)
    connects = isinstance(error, aiohttp.ClientConnectorError | ConnectionRefusedError | socket.gaierror)
    if connects and not isinstance(error, aiohttp.ClientSSLError):
        return Unconnected(_reason(error, place))
    if not connects and isinstance(error, _UNANSWERED):
        return Unanswered(_reason(error, place))
    return ServiceUnavailable(_reason(error, place))


def _reason(error: Exception, place: str) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return _reason(error.certificate_error, place)
        case ssl.SSLCertVerificationError():
            told = _CERTIFICATES.get(error.verify_code) or f"x509: {error.verify_message}"
            return f"tls: failed to verify certificate: {told}"
        case ssl.SSLError():
            return f"tls: {(error.reason or str(error)).replace('_', ' ').lower()}"
        case aiohttp.ClientConnectorDNSError() | socket.gaierror():
            return f"dial tcp: lookup {place.rpartition(':')[0]}: no such host"
        case aiohttp.ClientConnectorError():
            inner = error.os_error
            if isinstance(inner, ssl.SSLError):
                return _reason(inner, place)
            return f"dial tcp {place}: connect: {_words(inner)}"
        case aiohttp.ServerDisconnectedError() | EOFError() | OSError(errno=None):
            return "EOF"  # the last has no number: the connection was closed when it was to be written to
        case aiohttp.ClientPayloadError():
            return "unexpected EOF"
        case aiohttp.ClientResponseError():
            return f"malformed HTTP response: {error.message}"
        case ConnectionRefusedError():
            return f"dial tcp {place}: connect: {_words(error)}"
        case OSError():
            return f"read tcp {place}: {_words(error)}"
    return str(error) or type(error).__name__


def _words(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)
