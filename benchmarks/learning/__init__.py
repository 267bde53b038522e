"""How well each recipe learns, on the same data and budget as a reference."""
