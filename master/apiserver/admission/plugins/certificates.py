"""Plugins about requests for certificates: CertificateApproval, CertificateSigning, CertificateSubjectRestriction."""

from __future__ import annotations

from typing import ClassVar

from master.apiserver.admission.plugin import NOTHING, AdmissionRequest, Alongside, Plugin
from master.apiserver.admission.rules import certificates
from master.apiserver.admission.rules.certificates import May
from master.apiserver.admission.write import Operation
from podlab.api.kinds import Kind
from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest as Request

APPROVAL = "approval"


def _is_changed(kind: Kind, operation: Operation) -> bool:
    return kind.message is Request and operation is Operation.UPDATE


class CertificateApproval(Plugin):
    """Only the approval approves and denies, by whoever may for the signer; what was decided stays."""

    name: ClassVar[str] = "CertificateApproval"

    def __init__(self, may: May) -> None:
        self._may = may

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin."""
        return _is_changed(kind, operation)

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        new, old = request.new_as(Request), request.old_as(Request)
        approving = request.write.subresource == APPROVAL
        certificates.check_conditions(new, old, approving=approving)
        if approving:
            certificates.check_approval(new, old, request.write.user, self._may)
        return NOTHING


class CertificateSigning(Plugin):
    """Whoever signs may do so for the signer."""

    name: ClassVar[str] = "CertificateSigning"

    def __init__(self, may: May) -> None:
        self._may = may

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin."""
        return _is_changed(kind, operation)

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        new, old = request.new_as(Request), request.old_as(Request)
        certificates.check_signing(new, old, request.write.user, self._may)
        return NOTHING


class CertificateSubjectRestriction(Plugin):
    """No certificate makes an administrator of its holder."""

    name: ClassVar[str] = "CertificateSubjectRestriction"

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin."""
        return kind.message is Request and operation is Operation.CREATE and not subresource

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        certificates.check_subject(request.new_as(Request))
        return NOTHING
