"""Durable things: the workspace folder, its database, and the one module that writes files."""
