"""Layouts of rectangles: drawn, marked, checked, written and read."""
