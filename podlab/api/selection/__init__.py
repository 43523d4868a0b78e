"""Which objects are meant: label, field and node selectors, labels, and indexes by them."""
