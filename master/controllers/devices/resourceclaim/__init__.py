"""ResourceClaims: made for pods, and given back when pods need them no longer."""
