"""What can go wrong with a lab, for the person who runs it."""


class LabError(Exception):
    """A lab operation failed; the message names the thing, what was found and the remedy."""
