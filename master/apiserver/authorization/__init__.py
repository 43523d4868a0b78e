"""Who may do what. Each request is authorized once. Nothing here waits or writes.

`authorizer.py` asks in this order: administrators may do everything, then the node authorizer (`node.py`) and the
Ingress authorizer (`ingress.py`), then RBAC (`rbac.py`). The first that allows the request decides; none can forbid
what another allows.
"""

from master.apiserver.authorization.attributes import Attributes
from master.apiserver.authorization.authorizer import Authorizer, Decision

__all__ = ["Attributes", "Authorizer", "Decision"]
