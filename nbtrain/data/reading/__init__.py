"""Files of the user's as tables: format, encoding and dialect found out, and what is wrong told by line."""
