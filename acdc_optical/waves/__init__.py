"""Free space and lenses with edges between the planes: the light anywhere, masks for it, a second opinion."""
