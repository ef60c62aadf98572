"""Bytes and collections: the meter, the collector's log, and the finders of leaks."""
