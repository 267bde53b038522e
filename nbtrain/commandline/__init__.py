"""What the magics and the `nbtrain` command share: flags made from the options' schema, and texts about them."""
