"""Masks of one etch: stripes of phase 0 and π whose edges stand where the light that they pass computes the layer."""
