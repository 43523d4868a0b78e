"""The connection to a collector of OpenTelemetry, by OTLP over gRPC."""

from __future__ import annotations

from urllib.parse import urlsplit

import grpc

from podlab.foreign.opentelemetry.v1 import trace_pb2 as pb
from podlab.settings import SettingsError
from podlab.spans import otlp

PORT = 4317
"""That OpenTelemetry gives to OTLP over gRPC."""
ANSWER_S = 10.0


class CollectorError(Exception):
    """The collector cannot be reached, or does not take what it is sent."""


class Collector:
    """`endpoint` is http://host:port, or https://host:port with a certificate that the host's own authorities have
    signed. Raises SettingsError for another form."""

    def __init__(self, endpoint: str) -> None:
        target, is_secure = parse(endpoint)
        options = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]
        self.endpoint = endpoint
        self._channel = (
            grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(), options=options)
            if is_secure
            else grpc.aio.insecure_channel(target, options=options)
        )
        self._export: grpc.aio.UnaryUnaryMultiCallable[pb.ExportTraceServiceRequest, pb.ExportTraceServiceResponse]
        self._export = self._channel.unary_unary(
            otlp.METHOD,
            request_serializer=pb.ExportTraceServiceRequest.SerializeToString,
            response_deserializer=pb.ExportTraceServiceResponse.FromString,
        )

    async def send(self, request: pb.ExportTraceServiceRequest) -> None:
        """Raises CollectorError."""
        try:
            answer = await self._export(request, timeout=ANSWER_S)
        except grpc.aio.AioRpcError as error:
            raise CollectorError(f"{self.endpoint}: {error.code().name}: {error.details()}") from error
        if answer.partial_success.rejected_spans:
            told = answer.partial_success
            raise CollectorError(f"{self.endpoint} took all but {told.rejected_spans} spans: {told.error_message}")

    async def close(self) -> None:
        """End the connection."""
        await self._channel.close()


def parse(endpoint: str) -> tuple[str, bool]:
    """host:port, and whether TLS is spoken there. Raises SettingsError."""
    wrong = f"otlp_endpoint: {endpoint!r}: give http://HOST:{PORT}, or https://HOST:{PORT} with TLS"
    try:
        split = urlsplit(endpoint)
        port = split.port or PORT
    except ValueError as error:
        raise SettingsError(wrong) from error
    if split.scheme not in ("http", "https") or not split.hostname or split.path.strip("/") or split.query:
        raise SettingsError(wrong)
    host = f"[{split.hostname}]" if ":" in split.hostname else split.hostname
    return f"{host}:{port}", split.scheme == "https"
