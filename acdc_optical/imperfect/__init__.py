"""The bench as it is: its light, training for it, and what it is found to be from what it computes."""
