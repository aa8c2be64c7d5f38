"""Nets from ONNX files: `Model.from_onnx("net.onnx")`, or `--model net.onnx` on the command line.

An ONNX file is a graph of operators with their arrays. Each operator that has a counterpart among the layers becomes
that layer; arithmetic on constants (shapes, mostly) is done while reading; anything else is an error that names the
operator and its node. Files may come from anywhere, so nothing in them is trusted.

    file        bytes -> graph, under limits         call        one operator's inputs and attributes
    tensors     its arrays, those beside it too      builder     the net as it grows
    operators/  one function an operator             limits      how large a net may be
    folding     arithmetic on constants              net         graph -> Net
    model       Net -> Model: inputs, classes, notes
"""
