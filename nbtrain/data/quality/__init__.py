"""Whether a table is fit to train on: duplicates, leakage, labels, gaps and oddities, each with its remedy."""

from __future__ import annotations

from nbtrain.data.quality.checking import quality
from nbtrain.data.quality.report import Finding, Remedy, Report

__all__ = ["Finding", "Remedy", "Report", "quality"]
