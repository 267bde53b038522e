"""The words of the interface, in English, Persian and Russian."""

from nbtrain.i18n.catalogue import current, direction, languages, number, printed, set_current, text, words

__all__ = ["current", "direction", "languages", "number", "printed", "set_current", "text", "words"]
