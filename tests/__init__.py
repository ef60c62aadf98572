"""The tests of the course, and the tools beside them (refresh, bench, every_python)."""

import sys

# nbformat imports jsonschema, which imports this to check web addresses in non-English letters, and
# it compiles 39 grammars as it is imported: over a second, for a check that nothing here asks for.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
