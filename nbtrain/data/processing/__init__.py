"""Processing as a recipe of steps: cleaning, numbers, encoding, tokens, windows and augmentation."""

from nbtrain.data.processing.recipe import Recipe
from nbtrain.data.processing.schema import StepField, StepSchema, steps_schema
from nbtrain.data.processing.step import PART, ROW, Step

__all__ = ["PART", "ROW", "Recipe", "Step", "StepField", "StepSchema", "steps_schema"]
