"""A graph's memory, looked at: a thread's checkpoints, the time machine over them, what they weigh."""
