"""What single filters and templates look like."""
