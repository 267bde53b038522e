"""The training itself: fit, epoch, step, and what they need."""
