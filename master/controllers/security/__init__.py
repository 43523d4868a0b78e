"""Controllers of certificates, tokens and aggregated roles."""
