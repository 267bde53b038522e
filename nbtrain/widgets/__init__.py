"""Panels for the notebook, and what carries their messages. Nothing here imports torch."""
