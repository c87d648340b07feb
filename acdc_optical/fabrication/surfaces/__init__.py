"""Surfaces as images, doses and solids."""
