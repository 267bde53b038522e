"""Pages of a table, and its profile."""
