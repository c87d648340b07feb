"""Files for optical design and for other simulators."""
