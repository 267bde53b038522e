"""Every speed figure, as a ratio to something anyone can run, taken in turns so that a drifting machine is fair."""
