"""Every place in which a text or an object lives now, and what would erase it there."""
