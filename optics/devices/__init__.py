"""What devices really show of a mask: steps, surfaces, and what varies within pixels."""
