"""The crash lab: a child killed at a named moment, started again, and what became of its work."""
