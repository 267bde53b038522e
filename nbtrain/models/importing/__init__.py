"""Models from outside: recognised by their content, checked whole, and only then let in.

with open_model(path) as package:
registry.add(package, …)
"""

from __future__ import annotations

from nbtrain.models.importing.opening import located, open_model
from nbtrain.models.importing.refusals import NeedsPermission

__all__ = ["NeedsPermission", "located", "open_model"]
