"""Models: found on the Hub, fetched, kept with their versions, imported, exported, tried."""
