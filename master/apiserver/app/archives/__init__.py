"""What podlab-store does: the store backed up, restored and migrated."""
