"""A server that is cut off from the store which others still reach leaves its clients to them."""
