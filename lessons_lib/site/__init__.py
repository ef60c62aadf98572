"""The course as linked static pages: to read it without running anything.

`python3 -m lessons_lib site [FOLDER]` writes them. They need no script and no other address.
"""
