"""What the process for foreign files does with them; nothing here is called in the kernel."""
