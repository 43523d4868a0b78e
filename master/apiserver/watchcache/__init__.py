"""The watch cache: every object as bytes, fed by one watch of the store. It answers reads, lists and watches."""
