"""A graph's memory, looked at: checkpoints, the time machine over them, what they weigh."""
