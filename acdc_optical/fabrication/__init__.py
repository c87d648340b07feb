"""Masks that can be made: from transmittance to files for a fab, a printer or a modulator, and back."""
