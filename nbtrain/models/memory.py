"""How much memory a model takes; the room of the Hub needs it too, and lies below this one."""

from nbtrain.hub.memory import available, fit, size_of

__all__ = ["available", "fit", "size_of"]
