"""Networks and masks fitted to data: the fit, its data, what masks may be, and light as one matrix."""
