"""Runs whose loop is somebody else's: their record, what they log, and how their wishes and ends are heard of."""
