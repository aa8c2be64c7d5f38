"""What a gradient, or a rule in its place, says about the pixels."""
