"""Images for phase modulators and mirror arrays."""
