"""Processing as a recipe of steps: cleaning, numbers, encoding, tokens, windows and augmentation.

Importing this room makes every step known by its name, in the order in which they are used.
"""

# A form shows the steps in this order, what is usually done first before the rest.
# isort: off
from nbtrain.data.processing.html import Html
from nbtrain.data.processing.unicode import Lowercase, Unicode
from nbtrain.data.processing.persian import Digits, Persian
from nbtrain.data.processing.links import Emoji, Links
from nbtrain.data.processing.whitespace import Whitespace
from nbtrain.data.processing.leaving_out import DropColumns, DropEmpty
from nbtrain.data.processing.duplicates import DropDuplicates
from nbtrain.data.processing.missing import Missing
from nbtrain.data.processing.plain_types import Booleans, ToNumber
from nbtrain.data.processing.scaling import Clip, Scale
from nbtrain.data.processing.categories import Categories
from nbtrain.data.processing.to_date import ToDate
from nbtrain.data.processing.dates import Dates
from nbtrain.data.processing.tokens import Tokenize
from nbtrain.data.processing.windows import Windows
from nbtrain.data.processing.resize import ResizeImages
from nbtrain.data.processing.augment_text import AugmentText
from nbtrain.data.processing.augment_image import AugmentImage
from nbtrain.data.processing.augment_series import AugmentSeries
# isort: on

from nbtrain.data.processing.cache import cached
from nbtrain.data.processing.preview import Preview
from nbtrain.data.processing.recipe import Recipe
from nbtrain.data.processing.schema import steps_schema
from nbtrain.data.processing.step import PART, ROW, Step

__all__ = [
    "PART",
    "ROW",
    "AugmentImage",
    "AugmentSeries",
    "AugmentText",
    "Booleans",
    "Categories",
    "Clip",
    "Dates",
    "Digits",
    "DropColumns",
    "DropDuplicates",
    "DropEmpty",
    "Emoji",
    "Html",
    "Links",
    "Lowercase",
    "Missing",
    "Persian",
    "Preview",
    "Recipe",
    "ResizeImages",
    "Scale",
    "Step",
    "ToDate",
    "ToNumber",
    "Tokenize",
    "Unicode",
    "Whitespace",
    "Windows",
    "cached",
    "steps_schema",
]
