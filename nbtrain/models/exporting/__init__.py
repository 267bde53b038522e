"""Models on their way out: as files that others load, each compared with the model it came from, and to the Hub."""

from nbtrain.models.exporting.export import FORMATS, export, formats_of
from nbtrain.models.exporting.push import push

__all__ = ["FORMATS", "export", "formats_of", "push"]
