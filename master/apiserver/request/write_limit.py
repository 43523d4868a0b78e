"""How long a client may leave the next part of an answer untaken."""

WRITE_LIMIT_S = 60.0
"""A client that takes nothing for so long is gone or as good as gone."""
