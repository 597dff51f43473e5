"""JSON schemas of what commands print with ``--json``; they ship with the lab."""
