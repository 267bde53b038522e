"""A small Hub on this machine: for notebooks without a network, and for tests.

It answers the requests that `huggingface_hub` sends (search, facts, tree, files with ranges and redirects, uploads),
and does wrong what networks do wrong, when it is told to. The real client talks to it by its endpoint::

    hub = LocalHub().start()
    samples.add_all(hub)
    hub.use()  # until hub.stop()
    nbtrain.models.search("bert")

The server needs nothing but the standard library; `samples` makes tiny models with `transformers`.
"""

from nbtrain.hub.local.repositories import Repository
from nbtrain.hub.local.server import LocalHub

__all__ = ["LocalHub", "Repository"]
