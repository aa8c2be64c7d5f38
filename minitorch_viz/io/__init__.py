"""Reading and writing images and weights files; `images.py` and `weights.py` are the two doors.

A bad file raises ImageFileError or WeightsFileError and nothing else; nothing in a file is ever executed; and what a
file says about its own sizes is checked against its real size before memory is taken.
"""
