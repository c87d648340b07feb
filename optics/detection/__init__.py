"""What a camera makes of light: photons, their noise, sensors, and fields read beside a reference beam."""
