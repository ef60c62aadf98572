"""The stepper: a snippet recorded line by line, its story, and the player over it."""
