"""The datasets of a workspace: named, kept, brought back; uploads, and what was found out about them."""
