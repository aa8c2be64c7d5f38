"""Net: named nodes in order, each a layer and the names it reads from; its forward and backward passes.

A net never changes and remembers nothing, so one net may serve several images, threads and backward rules at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, overload

import numpy as np

from minitorch_viz import less_work
from minitorch_viz._types import Array, Generator
from minitorch_viz.boxes import Patch
from minitorch_viz.checks import check_names, checked_rules, checked_seeds
from minitorch_viz.errors import NetError, SettingError, ShapeError, need_whole
from minitorch_viz.graph import Node, Route, Rules, Tape, needed
from minitorch_viz.layers.relu import ReLU
from minitorch_viz.less_work import PlanName
from minitorch_viz.less_work.forward import predict_changed
from minitorch_viz.nodes import Nodes


class Net(Nodes):
    """Compute a directed graph of layers without cycles, written down in the order in which it is computed.

    nodes: (name, layer) reads from the node before it (the first from "input");
        (name, layer, inputs) reads from the named nodes.
    inputs: the names of the net's inputs.
    beside: further inputs that are given once and for all, {name: (1, ...)}, such as a question about each picture:
        every pass repeats them for its N images. `with_inputs` makes such a net.

    Raises NetError, with the name of the node at fault, if a name is used twice or read before it is computed.

    >>> from minitorch_viz.layers import Add, ReLU
    >>> net = Net([("relu", ReLU()), ("twice", Add(), ("relu", "relu"))])
    >>> tape = net.forward(np.array([[-1.0, 2.0]]))
    >>> tape["twice"]
    array([[0., 4.]])
    >>> net.backward(tape, {"twice": np.array([[1.0, 1.0]])})["input"]
    array([[0., 2.]])
    """

    def forward(
        self,
        x: Array | Mapping[str, Array] | None = None,
        *,
        given: Mapping[str, Array] | None = None,
        upto: str | Sequence[str] | None = None,
        rng: Generator | None = None,
        fuse: bool = False,
        plan: PlanName = "less",
    ) -> Tape:
        """Run the net and keep what a backward pass needs.

        x: the input (N, ...), or {input name: array} for several inputs; None if `given` makes it needless.
        given: outputs to use instead of computing them: patch or ablate a node, or start in the middle.
        upto: stop at this node (or these); None runs the whole net. Nodes that the goal does not need are left out.
        rng: randomness for training (dropout, batch statistics); None means use, not training.
        fuse: where only a ReLU reads a convolution, write its answer after the ReLU and not before, too: an eighth
            to a quarter of the pass is saved, backward passes are the same, and the tape holds no value for these
            convolutions. Nodes of `upto` keep theirs.
        plan: "plain" computes each node by itself, whatever `fuse` says.
        """
        goals = self.outputs if upto is None else check_names(upto, self.names, "upto")
        values, saved = self._start(x, given), {}
        nodes = self._needed(values, goals)
        nodes, fused = less_work.plan(plan if fuse else "plain").fuse(nodes, goals)
        for node in nodes:
            y, saved[node.name] = self._run(node, values, rng)
            if node.name in fused:
                saved[fused[node.name]] = ReLU.Saved(y)
            values[fused.get(node.name, node.name)] = y
        return Tape(values, saved, fused)

    def predict(
        self,
        x: Array | Mapping[str, Array] | None = None,
        *,
        given: Mapping[str, Array] | None = None,
        upto: str | None = None,
        batch: int | None = None,
        plan: PlanName = "less",
    ) -> Array:
        """Run the net and keep only the output of `upto` (default: the last node): for sweeps and evaluation.

        Every value is dropped as soon as its last reader has run. batch: cut x into pieces of that many images.
        plan: "plain" computes each node by itself; a ReLU is otherwise computed with the convolution before it.
        """
        (goal,) = check_names(self.output if upto is None else upto, self.names, "upto")
        if batch is not None:
            batch = need_whole("batch", batch, 1)
            if x is None or isinstance(x, Mapping) or given is not None:
                raise SettingError("batch= cuts one input array into pieces; it cannot be used with given= or a dict.")
            pieces = [self.predict(x[i : i + batch], upto=goal, plan=plan) for i in range(0, max(len(x), 1), batch)]
            return np.concatenate(pieces) if len(pieces) > 1 else pieces[0]
        values = self._start(x, given)
        nodes, fused = less_work.plan(plan).fuse(self._needed(values, (goal,)), (goal,))
        last_reader = {name: node.name for node in nodes for name in node.inputs}
        for node in nodes:
            values[fused.get(node.name, node.name)] = self._run(node, values, None)[0]
            for name in set(node.inputs):
                if last_reader[name] == node.name and name != goal:
                    del values[name]
        return values[goal]

    @overload
    def predict_changed(self, tape: Tape, changes: Mapping[str, Patch], upto: str | None = None) -> Array: ...

    @overload
    def predict_changed(self, tape: Tape, changes: Mapping[str, Patch], upto: tuple[str, ...]) -> dict[str, Array]: ...

    def predict_changed(
        self, tape: Tape, changes: Mapping[str, Patch], upto: str | tuple[str, ...] | None = None
    ) -> Array | dict[str, Array]:
        """Run the net on K changed versions of a tape's one image: see `less_work.forward.predict_changed`."""
        return predict_changed(self, tape, changes, upto)

    def backward(
        self,
        tape: Tape,
        seeds: Mapping[str, Array],
        *,
        wrt: str | Sequence[str] | None = None,
        rules: Rules | None = None,
        crop: bool = True,
        chunk: int | None = None,
        plan: PlanName = "less",
    ) -> dict[str, Array]:
        """Carry gradients from `seeds` back to the inputs or nodes named in `wrt`. Parameters get none.

        seeds: {node: dL/d(its output)} with the node's shape. On a tape of one image a seed may have any batch K:
            the K backward passes share the tape.
        wrt: where the gradients are wanted (default: the net's inputs). Only the nodes in between are visited.
        rules: {layer type or node name: rule}; a rule replaces the layer's backward in this pass only.
        crop: where a seed is zero outside a small box of its maps, compute only the part that it can reach; the
            numbers are the same. Rules get whole maps, unless they are marked `@local`. False: whole maps everywhere.
        chunk: how many of K seeds on a tape of one image to carry at a time; None: as many as suit the cache.
        plan: "plain" is the walk of `walk.py` and nothing else: no crops, no chunks, every rule as it is written.
        Returns {name: gradient (K, ...)}, in the tape's dtype.
        """
        goals = self.inputs if wrt is None else check_names(wrt, self.names, "wrt")
        grads, rules = checked_seeds(tape, seeds), checked_rules(rules, self._by_name)
        chunk = None if chunk is None else need_whole("chunk", chunk, 1)
        route = Route.back(self.nodes, tape, goals, rules)
        gradients = less_work.plan(plan).carry_back(route, grads, crop, chunk)
        for name in goals:
            if name not in gradients:
                raise NetError(f"No path leads from the seeds {sorted(seeds)} back to {name!r}: it has no gradient.")
        return {name: gradients[name] for name in goals}

    def param_grads(
        self, tape: Tape, seeds: Mapping[str, Array], *, rules: Rules | None = None, plan: PlanName = "less"
    ) -> dict[str, Array]:
        """Return the gradients of the parameters, summed over the batch: {"node.parameter": gradient}.

        Parameters that the seeds do not depend on are left out. plan: "plain" asks each layer for its gradients apart.
        """
        dys, rules = checked_seeds(tape, seeds), checked_rules(rules, self._by_name)
        layers = {node.name: node.layer for node in self.nodes if node.layer.params and node.name in tape.saved}
        route = Route.back(self.nodes, tape, layers, rules)
        return less_work.plan(plan).param_grads(route, dys, layers)

    # ------------------------------------------------------------------ inside

    def _with(self, nodes: Iterable[Sequence[Any]], inputs: Sequence[str], beside: Mapping[str, Array]) -> Net:
        return Net(nodes, inputs, beside)

    def _start(self, x: Array | Mapping[str, Array] | None, given: Mapping[str, Array] | None) -> dict[str, Array]:
        """Return {name: array} of the inputs and of the nodes that are given, checked."""
        if x is None:
            values: dict[str, Array] = {}
        elif isinstance(x, Mapping):
            values = dict(x)
        elif len(self.inputs) == 1:
            values = {self.inputs[0]: x}
        else:
            raise NetError(f"This net has the inputs {', '.join(self.inputs)}: give a dict that names each array.")
        names = (*self.inputs, *self.beside)
        for name in values:
            if name not in names:
                raise NetError(f"This net has no input {name!r}; its inputs are {', '.join(names)}.")
        if given is not None:
            check_names(given, self.names, "given")
            values |= given
        for name, value in values.items():
            if not hasattr(value, "shape") or value.ndim == 0:
                raise ShapeError(f"{name!r} needs an array with a batch axis, but got {type(value).__name__}.")
        if self.beside:
            count = max(map(len, values.values()), default=1)
            values = {name: x.repeat(count, axis=0) for name, x in self.beside.items()} | values
        return values

    def _needed(self, values: Mapping[str, Array], goals: Sequence[str]) -> Sequence[Node]:
        """Return the nodes to run, in order: what the goals depend on and has no value yet."""
        nodes = needed(self.nodes, goals, values)
        for name in self.inputs:
            if name not in values and (name in goals or any(name in node.inputs for node in nodes)):
                raise NetError(f"This pass needs the input {name!r}, but none was given.")
        return nodes

    def _run(self, node: Node, values: Mapping[str, Array], rng: Generator | None) -> tuple[Array, Any]:
        settings = {"rng": rng} if node.layer.uses_rng else {}
        try:
            return node.layer.forward(*(values[name] for name in node.inputs), **settings)
        except ShapeError as error:
            raise ShapeError(f"At node {node.name!r}: {error}") from error
