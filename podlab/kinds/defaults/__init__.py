"""What an object gets when its author left it out, as Kubernetes documents it. Functions change the message given.

- `apply`: the API's defaults, on create and on update.
- `inherit`: what an update takes over from the object it replaces: identity and allocated addresses.
- `settle`: quantities in the form in which they are stored, before anything looks at them.
- `tolerations.tolerate_lost_nodes`: for new pods only.
"""

from podlab.kinds.defaults.inherit import inherit
from podlab.kinds.defaults.kinds import apply
from podlab.kinds.defaults.quantities import settle

__all__ = ["apply", "inherit", "settle"]
