"""The ways into a net: pictures, texts and numbers; several inputs; what a model file keeps of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.data.text import load_text
from minitorch_viz.errors import DataFileError, MinitorchVizError, NetError, SettingError, ShapeError
from minitorch_viz.io.safetensors_ import save_safetensors
from minitorch_viz.io.weights import read_weights
from minitorch_viz.layers import LSTM, Concat, Conv2d, Embedding, Flatten, GlobalAvgPool2d, Linear, ReLU
from minitorch_viz.models import Alphabet, Numbers, Preprocessing, Reader, Words, describe
from minitorch_viz.models.readers import KINDS
from minitorch_viz.models.saved import KEY
from minitorch_viz.models.scores import Classes, Steps

READERS: list[Reader] = [
    Preprocessing((4, 6), 1, 3.0, 7.0, "crop"),
    Alphabet("ab \n", one_hot=False, unknown=" "),
    Alphabet("xyz"),
    Alphabet("xyz", length=5),
    Words(("what", "is", "red"), 5),
    Words(("a",), 3, fewest=0),
    Numbers(3, mean=(1, 2, 3), std=2),
    Numbers((None, 2)),
    Numbers((2, None, 3), whole=True),
]
each = pytest.mark.parametrize("reader", READERS, ids=repr)


@each
def test_a_reader_is_kept_in_json_and_made_again(reader: Reader) -> None:
    again = KINDS[reader.name].described(json.loads(json.dumps(reader.description())))
    assert again == reader
    assert hash(again) == hash(reader)


@each
def test_what_is_blank_has_a_batch_axis_and_is_restored(reader: Reader) -> None:
    x = reader.blank(np.float64)
    assert x.shape[0] == 1
    assert x.dtype in (np.float64, np.int64)
    again = reader.read(reader.restore(x), np.float64)
    np.testing.assert_allclose(again, x, atol=0.5)  # of pictures whole pixels
    assert reader.words
    assert reader.brief


# ---------------------------------------------------------------------- texts


def test_letters_become_rows_or_numbers() -> None:
    rows = Alphabet("abc").read("cab", np.float64)
    np.testing.assert_array_equal(rows, [[[0, 0, 1], [1, 0, 0], [0, 1, 0]]])
    assert rows.dtype == np.float64
    numbers = Alphabet(["a", "b", "c"], one_hot=False).read("cab")
    np.testing.assert_array_equal(numbers, [[2, 0, 1]])
    assert numbers.dtype == np.int64


def test_an_unknown_letter_is_an_error_or_read_as_another() -> None:
    with pytest.raises(SettingError, match=r"'\?' at place 2, a letter that the net does not know; it knows 'abc'"):
        Alphabet("abc").read("ab?")
    alphabet = Alphabet("abc", unknown="c")
    assert alphabet.restore(alphabet.read("aXbY")) == "acbc"
    assert alphabet.replaced("aXbY") == 2
    assert alphabet.known("aXbY") == "ab"


def test_the_largest_number_of_a_row_is_its_letter() -> None:
    assert Alphabet("ab").restore(np.array([[[0.1, 0.2], [3, -1]]])) == "ba"
    assert Alphabet("ab").restore(np.array([[0.1, 0.2]])) == "b"


def test_a_text_gives_the_alphabet_of_its_letters(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("to be\nor not")
    text = load_text(tmp_path / "words.txt")
    alphabet = text.alphabet(one_hot=False)
    np.testing.assert_array_equal(alphabet.read(text.text)[0], text.codes)
    assert text.alphabet(unknown="o").restore(text.alphabet(unknown="o").read("to go")) == "to oo"


BAD_TEXTS = {
    "empty": (lambda: Alphabet("ab").read(""), SettingError, "at least one letter.*an empty one"),
    "no text": (lambda: Alphabet("ab").read(3), SettingError, r"but got 3 \(int\)"),
    "too long": (lambda: Alphabet("".join(map(chr, range(300, 900)))).read("\u0200" * 2**18), SettingError, "at most"),
    "no letters": (lambda: Alphabet(""), SettingError, "needs its letters"),
    "words": (lambda: Alphabet(["ab", "c"]), SettingError, "needs its letters"),
    "numbers": (lambda: Alphabet(3), SettingError, "needs its letters"),
    "twice": (lambda: Alphabet("aba"), SettingError, "'a' is given twice"),
    "unknown": (lambda: Alphabet("ab", unknown="c"), SettingError, "unknown must be a letter of the alphabet"),
    "unknown none": (lambda: Alphabet("ab", unknown=None), SettingError, "unknown must be"),
    "length": (lambda: Alphabet("ab", length=-1), SettingError, "length must be"),
    "another length": (lambda: Alphabet("ab", length=3).read("ab"), SettingError, "texts of 3 letters.* has 2"),
    "one_hot": (lambda: Alphabet("ab", one_hot=1), SettingError, "True or False"),
    "another width": (lambda: Alphabet("ab").restore(np.zeros((1, 2, 3))), ShapeError, r"\(1, T, 2\)"),
    "a code beyond": (lambda: Alphabet("ab").restore(np.array([[0, 2]])), ShapeError, "0 to 1"),
    "no array": (lambda: Alphabet("ab").restore("ab"), ShapeError, "str"),
}


@pytest.mark.parametrize(("call", "error", "words"), BAD_TEXTS.values(), ids=list(BAD_TEXTS))
def test_what_is_no_text_gets_a_sentence(call, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


# ---------------------------------------------------------------------- numbers


def test_numbers_are_scaled_and_scaled_back() -> None:
    reader = Numbers((None, 2), mean=(1, 10), std=(2, 5))
    x = reader.read([[1, 20], [3, 5]], np.float64)
    np.testing.assert_array_equal(x, [[[0, 2], [1, -1]]])
    np.testing.assert_array_equal(reader.restore(x), [[1, 20], [3, 5]])


GOOD_NUMBERS = {
    "a list": (Numbers(3), [1, 2, 3], (1, 3)),
    "with a batch axis": (Numbers(3), np.ones((1, 3)), (1, 3)),
    "bools": (Numbers(2), [True, False], (1, 2)),
    "in a text": (Numbers(3), "1, 2.5, -3e1", (1, 3)),
    "blanks between": (Numbers(3), "1 2 3", (1, 3)),
    "one number": (Numbers(1), "7", (1, 1)),
    "a column": (Numbers(3), np.ones((3, 1)), (1, 3)),
    "a series of single numbers": (Numbers((None, 1)), "1;2;3;4", (1, 4, 1)),
    "a tensor": (Numbers((2, 3, 4)), np.ones((2, 3, 4)), (1, 2, 3, 4)),
}


@pytest.mark.parametrize(("reader", "value", "shape"), GOOD_NUMBERS.values(), ids=list(GOOD_NUMBERS))
def test_numbers_are_taken_as_people_have_them(reader: Numbers, value: object, shape: tuple[int, ...]) -> None:
    x = reader.read(value)
    assert x.shape == shape
    assert x.dtype == np.float32


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.dtype(">f8"), bool])
def test_a_file_of_numpy_is_read_as_it_is(order: str, dtype: object, tmp_path: Path) -> None:
    values = np.array([[1, 0, 2], [3, 4, 0]]).astype(dtype)
    np.save(tmp_path / "a.npy", np.asarray(values, order=order))
    for path in (tmp_path / "a.npy", str(tmp_path / "a.npy")):
        np.testing.assert_array_equal(Numbers((2, 3)).read(path), [values.astype(np.float32)])


CSV = {
    "plain": "1,2\n3,4\n",
    "names": "time,value\n1,2\n3,4",
    "semicolons and blank lines": "\n1;2\n\n3; 4 \n",
    "tabs": "1\t2\r\n3\t4\r\n",
    "a mark of UTF-8": "\ufeff1,2\n3,4\n",
    "a comma at the end": "1,2,\n3,4,\n",
    "blanks": "1 2\n3   4\n",
}


@pytest.mark.parametrize("text", CSV.values(), ids=list(CSV))
def test_a_table_is_read(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode())
    np.testing.assert_array_equal(Numbers((None, 2)).read(tmp_path / "a.csv"), [[[1, 2], [3, 4]]])


BAD_NUMBERS = {
    "missing.npy": (None, DataFileError, r"missing\.npy"),
    "objects.npy": (np.array([{}, 1], object), DataFileError, "pickled Python objects"),
    "text.npy": (np.array(["a"]), DataFileError, "integers, floats or bools"),
    "complex.npy": (np.array([1j, 2, 3]), SettingError, "Numbers are needed"),
    "nan.npy": (np.array([1, np.nan, 2]), SettingError, "not finite"),
    "other.npy": (np.zeros((4, 4)), ShapeError, r"shape \(3,\) are needed, but got \(4, 4\)"),
    "cut.npy": (
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}",
        DataFileError,
        "header",
    ),
    "huge.npy": (
        b"\x93NUMPY\x01\x00\x46\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (900000000000,)}".ljust(70),
        DataFileError,
        "is it damaged",
    ),
    "empty.csv": (b"\n\n", DataFileError, "no numbers"),
    "words.csv": (b"1,2,3\n1,x,3\n", DataFileError, "line 2: number 2 is 'x'"),
    "ragged.csv": (b"1,2,3\n1,2\n", DataFileError, "line 2 has 2 numbers, but the first has 3"),
    "bytes.csv": (b"1,\xff\n", DataFileError, "UTF-8"),
    "a.txt": (b"1,2,3", SettingError, r"\.npy or \.csv"),
}


@pytest.mark.parametrize("name", BAD_NUMBERS)
def test_what_is_no_file_of_numbers_gets_a_sentence(name: str, tmp_path: Path) -> None:
    content, error, words = BAD_NUMBERS[name]
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    elif content is not None:
        np.save(tmp_path / name, content, allow_pickle=True)
    with pytest.raises(error, match=words):
        Numbers(3).read(tmp_path / name)


BAD_VALUES = {
    "a fraction": (lambda: Numbers(2, whole=True).read([1, 2.5]), SettingError, "fraction"),
    "rows of two lengths": (lambda: Numbers((2, 2)).read([[1, 2], [3]]), SettingError, "array of numbers"),
    "a text": (lambda: Numbers(2).read("one, two"), SettingError, r"\.npy or \.csv"),
    "a wrong text": (lambda: Numbers(2).read("1, 2-3"), SettingError, "number 2 is '2-3'"),
    "none": (lambda: Numbers(2).read(None), SettingError, "Numbers are needed"),
    "no shape": (lambda: Numbers(()), SettingError, "shape must be"),
    "shape 0": (lambda: Numbers(0), SettingError, "shape must be"),
    "std 0": (lambda: Numbers(2, std=0), SettingError, "above 0"),
    "three means": (
        lambda: Numbers(2, mean=(1, 2, 3)),
        SettingError,
        "mean must be one finite number, or one for each",
    ),
    "whole": (lambda: Numbers(2, whole=3), SettingError, "True or False"),
    "restored": (lambda: Numbers(2).restore(np.zeros(2)), ShapeError, "restore takes numbers"),
}


@pytest.mark.parametrize(("call", "error", "words"), BAD_VALUES.values(), ids=list(BAD_VALUES))
def test_what_is_no_numbers_gets_a_sentence(call, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


# ---------------------------------------------------------------------- models of texts and numbers


def text_net(rng: np.random.Generator) -> Net:
    return Net([("lstm", LSTM.random(rng, 3, 4)), ("scores", Linear.random(rng, 4, 3))])


def test_a_net_that_reads_letters(rng: np.random.Generator) -> None:
    net = text_net(rng)
    model = Model.from_net(net, readers=Alphabet("ab\n"), name="letters")
    assert repr(model).endswith("parameters, input a text over 3 letters, 3 classes, float32)")
    assert isinstance(model.scores, Steps)
    assert (model.logits, model.class_names) == ("", ("a", "b", "'\\n'"))
    assert "at each step, scores (T, 3)" in model.notes[-1]
    np.testing.assert_array_equal(model.read("ab"), Alphabet("ab\n").read("ab"))
    with pytest.raises(SettingError, match="letters takes a text, and no picture"):
        model.preprocess(np.zeros((4, 4, 3), np.uint8))
    text = str(describe(model))
    assert "input a text over 3 letters" in text
    assert "Note: Outputs are those of a text of 2 letters." in text
    with pytest.raises(SettingError, match="3 scores a step, but there are 2 names"):
        Model.from_net(net, readers=Alphabet("ab\n"), class_names=["a", "b"])


def test_a_net_that_sorts_texts_answers_with_classes(rng: np.random.Generator) -> None:
    net = Net([("flat", Flatten()), ("fc", Linear.random(rng, 9, 2))])
    model = Model.from_net(net, readers=Alphabet("abc", length=3), class_names=["no", "yes"])
    assert isinstance(model.scores, Classes)
    scores = net.predict(model.read("cba"))[0]
    assert model.classify("cba")[0].index == scores.argmax()


def test_a_net_that_reads_rows(rng: np.random.Generator, tmp_path: Path) -> None:
    net = Net([("fc", Linear.random(rng, 3, 2))])
    model = Model.from_net(net, readers=Numbers(3, mean=(1, 2, 3)), scores="numbers")
    (tmp_path / "row.csv").write_text("a,b,c\n2,3,4\n")
    values = [answer.number for answer in model.classify(tmp_path / "row.csv")]
    np.testing.assert_allclose(values, net.predict(np.ones((1, 3), np.float32))[0], rtol=1e-6)
    assert "3 numbers" in repr(model)


def test_words_as_whole_numbers_stay_whole(rng: np.random.Generator) -> None:
    net = Net([("words", Embedding.random(rng, 5, 3)), ("scores", Linear.random(rng, 3, 2))])
    model = Model.from_net(net, readers=Numbers((None,), whole=True)).astype(np.float64)
    assert model.read([1, 4, 0]).dtype == np.int64
    assert model.net.predict(model.read("1, 4")).shape == (1, 2, 2)


# ---------------------------------------------------------------------- several inputs


def question_net(rng: np.random.Generator) -> Net:
    """A picture (3, 4, 4) and a question of two letters out of three."""
    nodes = [
        ("conv", Conv2d.random(rng, 3, 4, 3, padding=1), ("image",)),
        ("relu", ReLU()),
        ("gap", GlobalAvgPool2d()),
        ("seen", Flatten()),
        ("asked", Flatten(), ("question",)),
        ("both", Concat(), ("seen", "asked")),
        ("fc", Linear.random(rng, 10, 2)),
    ]
    return Net(nodes, ("image", "question"))


READ = {"image": Preprocessing((4, 4)), "question": Alphabet("abc", length=2)}


@pytest.fixture
def answering(rng: np.random.Generator) -> Model:
    return Model.from_net(question_net(rng), readers=READ, class_names=["no", "yes"], name="answering")


def test_each_input_has_its_reader(answering: Model) -> None:
    assert dict(answering.readers) == READ
    with pytest.raises(SettingError, match=r"inputs image and question.*with_inputs.*--input"):
        answering.read("ab")
    assert answering.read("ab", "question").shape == (1, 2, 3)
    assert answering.preprocessing == READ["image"]


def test_what_is_given_beside_is_repeated_for_every_copy(answering: Model, rng: np.random.Generator) -> None:
    pictures = rng.standard_normal((5, 3, 4, 4)).astype(np.float32)
    asked = Alphabet("abc").read("cb")
    whole = answering.net.forward({"image": pictures, "question": np.repeat(asked, 5, axis=0)})
    model = answering.with_inputs(question="cb")
    assert model.input == "image"
    tape = model.net.forward(pictures)
    np.testing.assert_array_equal(tape["fc"], whole["fc"])
    for batch in (None, 2):
        np.testing.assert_allclose(model.net.predict(pictures, batch=batch), whole["fc"], rtol=1e-6)
    seed = np.eye(2, dtype=np.float32)[[0, 1, 0, 1, 1]]
    expected = answering.net.backward(whole, {"fc": seed})
    gradients = model.net.backward(tape, {"fc": seed})
    assert [*gradients] == ["image"]
    np.testing.assert_array_equal(gradients["image"], expected["image"])
    np.testing.assert_array_equal(
        model.net.backward(tape, {"fc": seed}, wrt="question")["question"], expected["question"]
    )
    half = model.net.predict(given={"relu": tape["relu"][:3]})  # a start in the middle counts the copies, too
    np.testing.assert_allclose(half, whole["fc"][:3], rtol=1e-6)


def test_either_input_can_be_the_one_that_is_looked_at(answering: Model) -> None:
    photo = np.zeros((4, 4, 3), np.uint8)
    asked = answering.with_inputs(question="ab")
    shown = answering.with_inputs(image=photo)
    assert (asked.input, shown.input) == ("image", "question")
    np.testing.assert_allclose(
        [answer.probability for answer in asked.classify(photo)],
        [answer.probability for answer in shown.classify("ab")],
        rtol=1e-6,
    )
    assert asked.with_inputs(question="cc").given == {"question": "cc"}  # given anew
    double = asked.astype(np.float64)
    assert double.net.predict(double.read(photo)).dtype == np.float64


def test_techniques_for_photos_run_on_a_question_about_a_photo(answering: Model) -> None:
    from minitorch_viz.techniques import get_technique

    photo = np.random.default_rng(0).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    for name in ("saliency", "occlusion", "smoothgrad", "grad-cam"):
        technique = get_technique(name)
        assert "inputs are image and question" in (technique.refuses(answering) or "")
        results = [
            technique.run_on(answering.with_inputs(question=words), photo, target="yes", **technique.in_comparison)
            for words in ("aa", "cb")
        ]
        assert results[0].heat is not None
        assert results[0].heat.shape == (4, 4)


def test_a_question_of_words_leads_through_layers_without_a_gradient(rng: np.random.Generator) -> None:
    """Every technique for photos: an Embedding on the question's way is never asked for a gradient."""
    from minitorch_viz.techniques import techniques

    nodes = [
        ("conv", Conv2d.random(rng, 3, 4, 3, padding=1), ("image",)),
        ("relu", ReLU()),
        ("gap", GlobalAvgPool2d()),
        ("seen", Flatten()),
        ("words", Embedding.random(rng, 3, 2), ("question",)),
        ("lstm", LSTM.random(rng, 2, 3)),
        ("asked", Flatten()),
        ("both", Concat(), ("seen", "asked")),
        ("fc", Linear.random(rng, 10, 2)),
    ]
    readers = {"image": Preprocessing((8, 8)), "question": Alphabet("abc", one_hot=False, length=2)}
    model = Model.from_net(Net(nodes, ("image", "question")), readers=readers).with_inputs(question="cb")
    photo = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
    for name, technique in techniques().items():
        if technique.subject.name in ("photo", "photos") and technique.refuses(model) is None:
            assert technique.run_on(model, photo, **technique.in_comparison).caption, name
    with pytest.raises(SettingError, match="'words' does not depend on the picture"):
        techniques()["microscope"].compute(model, photo, node="words")


BAD_INPUTS = {
    "no such input": (lambda m: m.with_inputs(sound="ab"), SettingError, "'sound'"),
    "a bad question": (lambda m: m.with_inputs(question="no"), SettingError, "'n' at place 0"),
    "an unknown input of the net": (lambda m: m.net.with_inputs({"x": np.zeros((1, 2))}), NetError, "no input 'x'"),
    "two questions": (lambda m: m.net.with_inputs({"question": np.zeros((2, 2, 3))}), ShapeError, r"\(1, \.\.\.\)"),
    "a reader of another": (lambda m: m.with_reader(Alphabet("a"), "sound"), NetError, "sound"),
    "no reader": (lambda m: Model.from_net(m.net, 4), NetError, "say how each is read"),
    "one reader of two": (lambda m: Model.from_net(m.net, readers=READ["image"]), SettingError, "one for each"),
    "no readers": (lambda m: Model.from_net(m.net, readers={"image": 3, "question": 4}), SettingError, "A reader is"),
    "size and readers": (lambda m: Model.from_net(m.net, 4, readers=READ), SettingError, "either the size"),
    "neither": (lambda m: Model.from_net(m.net), SettingError, "Give the size"),
}


@pytest.mark.parametrize(("call", "error", "words"), BAD_INPUTS.values(), ids=list(BAD_INPUTS))
def test_what_does_not_fit_the_inputs_gets_a_sentence(answering: Model, call, error, words: str) -> None:
    with pytest.raises(error, match=words):
        call(answering)


def test_the_command_line_gives_the_question(answering: Model, tmp_path: Path, monkeypatch, capsys) -> None:
    from PIL import Image

    from minitorch_viz.cli import main

    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (4, 4, 3)).astype(np.uint8)).save("photo.png")
    start = ["saliency", "photo.png", "--model", str(answering.save(tmp_path / "net.safetensors"))]
    assert main(start) == 2
    assert "--input NAME=VALUE" in capsys.readouterr().err
    assert main([*start, "--question", "ab"]) == 0
    assert "Note: The input question is 'ab'." in capsys.readouterr().out
    assert main([*start, "--input", "question=ab"]) == 0
    for words, sentence in (
        (["--question", "ab", "--input", "question=ba"], "given twice"),
        (["--input", "sound=ab"], "'sound'"),
        (["--question", "hm"], "'h' at place 0"),
    ):
        assert main([*start, *words]) == 2
        assert sentence in capsys.readouterr().err
    assert main(["report", "--question", "ab"]) == 2
    assert "give --model, too" in capsys.readouterr().err
    page = ["report", "photo.png", *start[2:], "--question", "ab", "--only", "saliency"]
    assert main(page) == 0
    text = Path("report.html").read_text()
    assert "data:image/png" in text
    assert "The input question is &#39;ab&#39;." in text
    command = re.search(r"minitorch-viz (saliency [^<]*)<", text)
    assert command is not None
    assert "--input question=ab" in command[1]
    assert main(command[1].split()) == 0


# ---------------------------------------------------------------------- files


@pytest.mark.parametrize("given", [{}, {"question": "ab"}])
def test_a_file_keeps_the_readers_of_all_inputs(answering: Model, given: dict[str, str], tmp_path: Path) -> None:
    """What was given beside is an input again."""
    back = load_model(answering.with_inputs(**given).save(tmp_path / "net.safetensors"))
    assert dict(back.readers) == READ
    assert [*back.readers] == ["image", "question"]
    assert back.net.inputs == ("image", "question")
    x = {"image": np.ones((1, 3, 4, 4), np.float32), "question": back.read("cb", "question")}
    np.testing.assert_array_equal(back.net.predict(x), answering.net.predict(x))


def test_a_file_keeps_a_net_of_letters(rng: np.random.Generator, tmp_path: Path) -> None:
    model = Model.from_net(text_net(rng), readers=Alphabet("é\n🙂", unknown="\n"), name="letters")
    back = load_model(model.save(tmp_path / "net.safetensors"))
    assert back.reader() == model.reader()
    assert (back.scores, back.class_names) == (model.scores, model.class_names)


def described(path: Path) -> dict:
    return json.loads(read_weights(path).metadata[KEY])


def test_a_file_of_the_first_format_still_loads(tmp_path: Path) -> None:
    """As the first version wrote it, byte for byte in what it says."""
    text = (
        '{"format": 1, "name": "mine", "inputs": ["input"], "nodes": [["relu", "ReLU", ["input"], {}, []]], '
        '"preprocessing": {"size": [4, 6], "channels": 1, "mean": [3.0], "std": [7.0], "resize": "crop"}, '
        '"classes": {"names": [], "synonyms": [], "logits": "", "scores": "maps", "squashed": false}, '
        '"first_conv": "", "last_conv": "", "notes": []}'
    )
    save_safetensors(tmp_path / "old.safetensors", {}, {KEY: text})
    model = load_model(tmp_path / "old.safetensors")
    assert dict(model.readers) == {"input": Preprocessing((4, 6), 1, 3.0, 7.0, "crop")}
    again = described(model.save(tmp_path / "new.safetensors"))
    assert again == json.loads(text)  # and a net of pictures is still written so that the first version reads it


def test_a_first_format_with_two_inputs_reads_the_first_as_a_picture(tmp_path: Path, answering: Model) -> None:
    path = answering.save(tmp_path / "net.safetensors")
    content = described(path)
    assert content["format"] == 2
    del content["readers"]
    content |= {"format": 1, "preprocessing": READ["image"].description()}
    save_safetensors(path, dict(answering.net.state), {KEY: json.dumps(content)})
    model = load_model(path)
    assert dict(model.readers) == {"image": READ["image"]}
    with pytest.raises(SettingError, match="does not say how 'question' is read"):
        model.with_inputs(question="ab")


DAMAGES = {
    "an unknown kind": ({"reads": "smells"}, "'smells'.*does not know"),
    "no kind": ({}, "needs 'reads'"),
    "letters are numbers": (
        {"reads": "text", "letters": [1], "one_hot": True, "unknown": "", "length": 0},
        "needs 'letters' as str",
    ),
    "a letter twice": ({"reads": "text", "letters": "aa", "one_hot": True, "unknown": "", "length": 0}, "given twice"),
    "no unknown": ({"reads": "text", "letters": "ab", "one_hot": True}, "needs 'unknown'"),
    "shape of words": ({"reads": "numbers", "shape": ["a"], "whole": True, "mean": [0], "std": [1]}, "shape must be"),
    "mean of words": ({"reads": "numbers", "shape": [2], "whole": True, "mean": ["x"], "std": [1]}, "mean must be"),
}


@pytest.mark.parametrize(("reader", "words"), DAMAGES.values(), ids=list(DAMAGES))
def test_a_damaged_reader_is_refused(reader: dict, words: str, answering: Model, tmp_path: Path) -> None:
    path = answering.save(tmp_path / "net.safetensors")
    content = described(path)
    content["readers"]["question"] = reader
    save_safetensors(path, dict(answering.net.state), {KEY: json.dumps(content)})
    with pytest.raises(MinitorchVizError, match=words):
        load_model(path)
