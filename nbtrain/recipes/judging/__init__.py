"""Outputs beside the truth, row by row: one judge for each kind of task, shared by the recipes."""
