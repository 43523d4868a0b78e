"""Controllers that delete what nobody needs any more."""
