"""What a reader is: the way into one input of a net, and back to what a person sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array


class Reader:
    """Turn what a user names into an array with a batch axis, (1, ...), for one input of a net.

    Readers are frozen dataclasses; `Model.readers` holds one for each input, by the input's name.
    """

    name: ClassVar[str]  # what a model file calls this kind: "pictures", "text" or "numbers"
    noun: ClassVar[str]  # what one value is, in a sentence: "a picture"

    def read(self, value: Any, dtype: npt.DTypeLike = np.float32) -> Array:
        """Return the array (1, ...) of a value; an error in a sentence if it cannot be one."""
        raise NotImplementedError

    def prepared(self, value: Any) -> Array | None:  # noqa: ARG002 (readers that know such values override it)
        """Return (1, ...) of a value that is the net's input already and is used as it is; None of any other."""
        return None

    def restore(self, x: Array) -> Any:
        """Return what a person sees of an array (1, ...): a picture, a text, numbers."""
        raise NotImplementedError

    def blank(self, dtype: npt.DTypeLike = np.float32) -> Array:
        """Return an array (1, ...) that means nothing, to find out the shapes inside a net."""
        raise NotImplementedError

    @property
    def blank_words(self) -> str:
        """Say what `blank` is, where its size is not that of every value: "a text of 2 letters"."""
        return ""

    @property
    def words(self) -> str:
        """Say how large a value is: "3 x 224 x 224"."""
        raise NotImplementedError

    @property
    def brief(self) -> str:
        """Say the same for one line about a whole model."""
        return self.words

    def description(self) -> dict[str, Any]:
        """Return what a model file keeps, in JSON's types; `described` makes the reader again."""
        raise NotImplementedError

    @classmethod
    def example(cls) -> Self:
        """Return a reader of this kind, to whose description others are compared."""
        raise NotImplementedError

    @classmethod
    def described(cls, description: Mapping[str, Any]) -> Self:
        """Make the reader of a description; a TypeError, KeyError or SettingError if it makes no sense."""
        raise NotImplementedError
