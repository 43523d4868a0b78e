"""What admission policies say of writes, and make of objects. Pure."""
