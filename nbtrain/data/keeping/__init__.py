"""The datasets of a workspace: named, kept, brought back, and what was found out about them."""
