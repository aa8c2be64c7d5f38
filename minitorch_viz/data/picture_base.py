"""What a source of pictures is, whatever the pictures lie in: files, an archive, memory, a generator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from minitorch_viz._types import Array


class Pictures:
    """Give pictures by number. `len(pictures)` counts them; a number beyond it is an IndexError."""

    name: str = "pictures"
    class_names: tuple[str, ...] = ()  # empty: the pictures have no labels

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, number: int) -> Array:
        """Return picture `number`, (H, W, 3) or grey (H, W) uint8. Raises ImageFileError if it is broken."""
        raise NotImplementedError

    def title(self, number: int) -> str:
        """Return what picture `number` is called: its file's name, or its number."""
        return f"{self.name} {number}"

    def label(self, number: int) -> int | None:  # noqa: ARG002 (those with labels answer)
        """Return the class of picture `number`, an index into `class_names`; None if it has none."""
        return None

    @property
    def fingerprint(self) -> str:
        """Return a hash of which pictures these are; work that is continued must be on the same ones."""
        raise NotImplementedError

    def __deepcopy__(self, memo: object) -> Self:
        """Return the same pictures: they never change, so a copy of what holds them shares them."""
        return self

    def __repr__(self) -> str:
        classes = f", {len(self.class_names)} classes" if self.class_names else ""
        return f"Pictures({self.name}: {len(self)}{classes})"


class ChosenPictures(Pictures):
    """Give some of other pictures, under numbers of their own: number i is picture `numbers[i]`."""

    def __init__(self, pictures: Pictures, numbers: Sequence[int]) -> None:
        self.pictures, self.numbers = pictures, tuple(int(number) for number in numbers)
        self.name, self.class_names = pictures.name, pictures.class_names

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, number: int) -> Array:
        return self.pictures[self.numbers[inside(number, len(self))]]

    def title(self, number: int) -> str:
        return self.pictures.title(self.numbers[number])

    def label(self, number: int) -> int | None:
        return self.pictures.label(self.numbers[number])

    @property
    def fingerprint(self) -> str:
        return f"{self.pictures.fingerprint} {self.numbers}"


def inside(number: int, count: int) -> int:
    """Return the number, if it is one of the pictures'; IndexError ends a `for picture in pictures`."""
    if not 0 <= number < count:
        raise IndexError(f"picture {number} of {count}")
    return int(number)


def classes_of(groups: Sequence[str]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return (labels, class names) from the folder that each picture lies in, "" for none.

    Both are empty where the folders tell nothing: there is only one, or some pictures lie in none.
    """
    names = tuple(sorted(set(groups)))
    if "" in names or len(names) < 2:
        return (), ()
    places = {name: number for number, name in enumerate(names)}
    return tuple(places[group] for group in groups), names
