"""The vocabulary every other room speaks: errors, events, control, history, ports."""
