"""What an object gets when its author left it out, as Kubernetes documents it. Functions change the message given.

- `inherit`: what an update takes over from the object that it replaces: identity and allocated addresses.
- `quantities`: amounts in the form in which they are stored, before anything looks at them.
- Others: what big kinds get, and what several kinds get alike. A small kind's defaults stand in its own file.
"""

from podlab.kinds.defaults.quantities import settle

__all__ = ["settle"]
