"""Nets that torch.export saved: `load_model("net.pt2")`, or `--model net.pt2` on the command line; without PyTorch.

Such a file is a zip archive: the graph of operators is JSON, each array its plain numbers. (The example that the module
was exported with is a pickle; it is not read.) The operators are those that `from_torch` follows, so its mappings
serve here, too. Files may come from anywhere, so what they declare is checked before memory is taken.

    archive     the file -> graph and arrays         graph       graph -> Net, by from_torch's mappings
    signatures  where an operator's arguments        shapes      what windows and borders do to the axes
                have another order in the file       model       Net -> Model: how its inputs are read, notes
"""
