"""Pictures made by optimization: the image is the parameter, and the net's weights stay as they are."""
