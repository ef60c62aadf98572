"""The companion library of the course *From Refcounts to Checkpoints*."""

__version__ = "0.1.0"
