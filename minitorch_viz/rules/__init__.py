"""Backward rules: functions with the signature of `Layer.backward`, exchanged for one pass.

`net.backward(tape, seeds, rules={ReLU: guided})` replaces the backward of a layer type, `{"conv1": rule}` of one node.
Presets are dicts and merge with `|`. Nothing is hooked, mutated or restored.
"""

from minitorch_viz.rules.relu import deconvnet, guided, normal, relu_mode

__all__ = ["deconvnet", "guided", "normal", "relu_mode"]
