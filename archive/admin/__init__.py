"""What the archive's own tables need of the admin."""
