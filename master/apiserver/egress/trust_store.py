"""TLS contexts, made once for everybody who is trusted in the same way."""

from __future__ import annotations

import ssl
from collections import OrderedDict
from pathlib import Path

from master.apiserver.egress.destinations import Trust
from podlab.errors import ServiceUnavailable

MOST = 256
_Key = tuple[bytes, bool, tuple[Path, Path] | None, tuple[int, ...]]


class TrustStore:
    """Keeps the contexts that were used last. A client certificate that is renewed on disk is read again."""

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._contexts: OrderedDict[_Key, ssl.SSLContext] = OrderedDict()

    def context(self, trust: Trust) -> ssl.SSLContext:
        """What a connection is made with. Raises ServiceUnavailable for authorities or a certificate that cannot be
        read."""
        try:
            paths = trust.client_certificate or ()
            key = trust.ca_bundle, trust.insecure, trust.client_certificate, tuple(p.stat().st_mtime_ns for p in paths)
            if key not in self._contexts:
                self._contexts[key] = _made(trust)
                if len(self._contexts) > self._most:
                    self._contexts.popitem(last=False)
        except (ssl.SSLError, ValueError) as error:
            raise ServiceUnavailable(f"unable to load root certificates: {error}") from error
        except OSError as error:
            raise ServiceUnavailable(f"unable to load the client certificate: {error}") from error
        self._contexts.move_to_end(key)
        return self._contexts[key]


def _made(trust: Trust) -> ssl.SSLContext:
    """As Go's clients have it: names of the certificate's subject count for nothing, and any certificate of the bundle
    is an authority, whoever signed it."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.hostname_checks_common_name = False
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    made.set_alpn_protocols(["http/1.1"])
    if trust.insecure:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    elif trust.ca_bundle:
        made.load_verify_locations(cadata=trust.ca_bundle.decode("ascii"))
    else:
        made.load_default_certs()
    if trust.client_certificate is not None:
        made.load_cert_chain(*trust.client_certificate)
    return made
