"""What belongs to the lessons: of each its words, its answers, and what judges its exercises.

`lessons_lib.teach` finds a lesson's folder by its number: `lesson.toml` has the words,
`answers.py` the right and the plausible wrong answers (read, and never imported), `checks.py` what
judges them. The stub of an exercise and what `catch_up` defines stand in the lesson's notebook.
"""
