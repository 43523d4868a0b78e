"""What admission plugins decide: pure functions of objects, and of what the plugins have looked up."""
