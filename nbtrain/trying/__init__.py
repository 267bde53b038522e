"""Trying a model: what to ask for, and what the model says to it, with probabilities."""

from __future__ import annotations

from nbtrain.trying.prediction import ask, forget, form, is_tryable, predict

__all__ = ["ask", "forget", "form", "is_tryable", "predict"]
