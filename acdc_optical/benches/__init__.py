"""The table as validated data: what stands on it, what may be wrong with it, and where its planes are."""
