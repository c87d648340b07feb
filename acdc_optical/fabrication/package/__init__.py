"""The order package: tables, checksums, archives, what is in it and whether it is whole."""
