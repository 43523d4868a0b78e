"""Who may do what, asked once for each request. Nothing here waits or writes.

`authorizer.py` asks one after the other: administrators may do everything, then the rules of nodes (`node.py`), then
roles and their bindings (`rbac.py`). Whoever first allows has decided; nobody can forbid what another allows.
"""

from master.apiserver.authorization.attributes import Attributes
from master.apiserver.authorization.authorizer import Authorizer, Decision

__all__ = ["Attributes", "Authorizer", "Decision"]
