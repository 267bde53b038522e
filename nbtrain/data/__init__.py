"""Data to train on: read where it lies, imported, looked at, split, processed and checked."""
