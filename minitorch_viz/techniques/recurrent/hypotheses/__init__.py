"""Hypotheses: what a cell could stand for, a function of the text alone. The folder is the registry, one a file.

`inside_quote.py` defines `inside_quote(text) -> array (T,)`, and its docstring says what it means. Truth values make it
a question of yes or no, numbers one of how much; NaN is a place that it says nothing of. What stands at place t is true
when letter t has been read: a cell knows no more by then.

A file may also say what changes the answer (`INSERTIONS`: texts to insert), and what should change in the text that a
net writes while such a cell is held (`measure(text) -> float`). docs/write_a_hypothesis.md writes one.
"""

from minitorch_viz.techniques.recurrent.hypotheses.base import Hypothesis, hypotheses, hypothesis_in_file

__all__ = ["Hypothesis", "hypotheses", "hypothesis_in_file"]
