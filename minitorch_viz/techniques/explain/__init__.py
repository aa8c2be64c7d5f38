"""What the authors of techniques share: the unit that is explained, the photo, the signal, maps, blank ones."""
