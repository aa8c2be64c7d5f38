"""A caption: what a net says of a picture, word by word, and where it looks for each word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from minitorch_viz.errors import SettingError
from minitorch_viz.models.captioning import captions
from minitorch_viz.models.readers import Preprocessing, Words
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.layer_maps import LayerMaps, Scaling, need_scaling, plot_coarse
from minitorch_viz.techniques.explain.view import view
from minitorch_viz.techniques.gradients.grad_cam import grad_cam

if TYPE_CHECKING:
    from minitorch_viz.models import Model

NO_WORDS = "it says no words: such a net reads a picture and the words so far, and answers the next word"


@dataclass(frozen=True, eq=False)
class Caption(LayerMaps):
    """Hold a caption's T words, and for each of them Grad-CAM's sum before the relu, `signed`."""

    quantity: ClassVar[str] = "each word's Grad-CAM"

    words: tuple[str, ...]  # (T,)
    beginning: str  # the words that it was given to begin with
    shares: tuple[float, ...]  # (T,): the probability of each word after those before it, 0..1
    is_silent: bool  # the net says no word: the one map is that of the end

    @property
    def text(self) -> str:
        """Return the caption as one text, with the words that it was given."""
        return " ".join([*self.beginning.split(), *(() if self.is_silent else self.words)])

    @property
    def notes(self) -> tuple[str, ...]:
        silent = "The net says nothing more of this picture: the end comes first, and the map is that of the end."
        return (silent, *super().notes) if self.is_silent else super().notes

    @property
    def caption(self) -> str:
        return (
            f'The net says: "{self.text}". Each word\'s map is Grad-CAM of its score, given the picture and the words '
            f"before it: bright places speak for the word. {self.legend}"
        )

    @property
    def legend(self) -> str:
        """End the caption: the resolution and the scale, whose numbers stand beside the maps."""
        scaling = {"one": "one for all maps", "each": "each map has its own"}[self.scaling]
        return (
            f"The {self.places} places of {self.layer} are enlarged bilinearly to the photo, each at the centre of its "
            f"patch. Colour scale: {scaling}, 0 (dark, over the photo transparent) to the largest value (bright)."
        )

    @property
    def facts(self) -> tuple[str, ...]:
        return (self.text, self.layer, self.places)


def caption(model: Model, image: Any, *, layer: str | None = None, scale: Scaling = "each") -> Caption:
    """Describe a picture in words, one after the other, and show where the net looks for each of them.

    The net is given the picture and the words that it has said so far, and scores which word comes next; the one with
    the highest score is said. Grad-CAM of that score shows the places that speak for the word. Words that the net is
    given (--input words="a red") are gone on from.

    Args:
        layer: the node whose maps are weighted; by default the last one with maps of features
        scale: one for all maps, so that they compare; each: a scale a map, so that weak ones show

    Returns a Caption with signed (T, h', w') at the layer's places. Raises SettingError for a net that says no words,
    an unknown scale or a layer without maps, NetError for an unknown node, ImageFileError for a bad image.

    Paper: Selvaraju et al. 2017, section 7.1; Vinyals et al. 2015.
    """
    scaling = need_scaling(scale)
    speech = _speech(model)
    if speech is None:
        raise SettingError(f"caption does not apply to {model.name}: {NO_WORDS}.")
    so_far, reader, end = speech
    beginning = model.given.get(so_far, "")
    model = model.with_inputs(**{so_far: beginning})
    seen = view(model, image)
    (words,) = captions(model.net, seen.x, so_far, reader, model.class_names, end, model.logits, beginning)
    is_silent = not words
    words = words or [end]
    maps, shares = [], []
    for count, word in enumerate(words):
        number = model.class_names.index(word)
        after = model.with_inputs(**{so_far: " ".join([beginning, *words[:count]])})
        maps.append(grad_cam(after, seen, target=number, layer=layer))
        shares.append(float(after.predict_answers(seen.x)[0, number]))
    first = maps[0]
    return Caption(
        np.concatenate([cam.signed for cam in maps]),
        first.layer,
        first.picture,
        first.pixel_aspect,
        tuple(words),
        tuple(cam.values[0] for cam in maps),
        tuple(cam.blanks[0] for cam in maps),
        words=tuple(words),
        beginning=beginning,
        shares=tuple(shares),
        is_silent=is_silent,
        readings=tuple(f"probability {share:.2g}" for share in shares),
        scaling=scaling,
        photo=first.photo,
        given=first.given,
    )


def says_words(model: Model) -> str | None:
    """Return why a net describes no pictures; None if it reads a picture and words, and its answers are such words."""
    return NO_WORDS if _speech(model) is None else None


def _speech(model: Model) -> tuple[str, Words, str] | None:
    """Return the input of the words so far, its reader, and the answer that is the end; None if it has none."""
    pictures = [name for name, reader in model.readers.items() if isinstance(reader, Preprocessing)]
    for name, reader in model.readers.items():
        if isinstance(reader, Words) and not reader.fewest and len(model.readers) == 2 and pictures:
            others = [answer for answer in model.class_names if answer not in reader.vocabulary]
            if len(others) == 1 and len(model.class_names) == len(reader.vocabulary) + 1:
                return name, reader, others[0]
    return None


def example() -> Caption:
    """Describe a generated scene, by the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_scene

    return caption(load_model("scenes_captions"), sample_scene().image)


TECHNIQUE = Technique(
    name="caption",
    compute=caption,
    plot=plot_coarse,
    title="Caption: what the net says of a picture, and where it looks for each word",
    paper="Selvaraju et al. 2017; Vinyals et al. 2015",
    example=example,
    applies=says_words,
    shown_by="scenes_captions",
    level=60,
)
