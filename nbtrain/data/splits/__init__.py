"""How rows are divided into training, validation and test: what was asked for, how it is done, and what came out."""
