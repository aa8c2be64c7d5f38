"""The atlas's file: passports of many units in one SQLite file, `atlas.sqlite`.

A unit is written in one transaction, with a rollback journal and `synchronous = FULL`: after kill -9 or a power cut
every unit that was finished is there, whole. Other programs may read while it is written; `open_atlas(path)` reads.

Schema, version 1 (`PRAGMA user_version`; `PRAGMA application_id` is 0x6D76617A, "mvaz"):

    about    key TEXT PRIMARY KEY, value TEXT (JSON)
             net, net_hash, pictures, pictures_hash, count (how many pictures), settings, skipped (a list of number,
             title, why), class_names
    layer    node TEXT PRIMARY KEY, place INTEGER (order in the net), channels INTEGER, words TEXT
    unit     node TEXT, channel INTEGER, passport TEXT (JSON: `techniques/explain/passport.py`), concept TEXT,
             category TEXT, iou REAL, strongest REAL, cover BLOB (PNG: its four strongest patches as one small picture),
             effective BLOB (PNG or NULL: its effective field), covered BLOB (PNG or NULL: its empirical field),
             PRIMARY KEY (node, channel)
    patch    node TEXT, channel INTEGER, kind TEXT ("top" or "tenth"), rank INTEGER (from 0; of a tenth 1 is the lowest
             answers), number INTEGER (of the picture), title TEXT, row INTEGER, col INTEGER (NULL without places),
             value REAL, picture BLOB (PNG), guided BLOB (PNG or NULL), PRIMARY KEY (node, channel, kind, rank)
    opinion  node TEXT, channel INTEGER, label TEXT, category TEXT, misfits TEXT (JSON: ranks of the top patches that do
             not fit), PRIMARY KEY (node, channel): what a person says of a unit

A unit is finished if it stands in `unit`. sqlite3 is imported where it is used.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from minitorch_viz.errors import DataFileError, SettingError, near
from minitorch_viz.techniques.explain.passport import Passport

if TYPE_CHECKING:
    import sqlite3

NAME = "atlas.sqlite"
APPLICATION, VERSION = 0x6D76617A, 1
WAIT = 10.0  # seconds that a reader or writer waits for another one
SCHEMA = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE layer (node TEXT PRIMARY KEY, place INTEGER NOT NULL, channels INTEGER NOT NULL, words TEXT NOT NULL);
CREATE TABLE unit (node TEXT NOT NULL, channel INTEGER NOT NULL, passport TEXT NOT NULL, concept TEXT NOT NULL,
    category TEXT NOT NULL, iou REAL, strongest REAL, cover BLOB, effective BLOB,
    covered BLOB, PRIMARY KEY (node, channel));
CREATE TABLE patch (node TEXT NOT NULL, channel INTEGER NOT NULL, kind TEXT NOT NULL, rank INTEGER NOT NULL,
    number INTEGER NOT NULL, title TEXT NOT NULL, row INTEGER, col INTEGER, value REAL NOT NULL, picture BLOB NOT NULL,
    guided BLOB, PRIMARY KEY (node, channel, kind, rank));
CREATE TABLE opinion (node TEXT NOT NULL, channel INTEGER NOT NULL, label TEXT NOT NULL, category TEXT NOT NULL,
    misfits TEXT NOT NULL, PRIMARY KEY (node, channel));
"""
TABLES = ("about", "layer", "unit", "patch", "opinion")


class Stored(NamedTuple):
    """Hold one patch as it is kept."""

    kind: str  # "top" or "tenth"
    rank: int
    number: int
    title: str
    row: int | None
    column: int | None
    value: float
    picture: bytes  # PNG
    guided: bytes | None


class Kept(NamedTuple):
    """Hold a unit as it is kept."""

    passport: Passport
    cover: bytes | None  # PNG
    effective: bytes | None
    covered: bytes | None
    patches: tuple[Stored, ...]


class Row(NamedTuple):
    """Hold what a list of units says of one."""

    node: str
    channel: int
    strongest: float
    concept: str
    category: str
    iou: float | None


class Layer(NamedTuple):
    """Name a layer of the atlas."""

    node: str
    place: int
    channels: int
    words: str


class Opinion(NamedTuple):
    """Hold what a person says of a unit."""

    node: str
    channel: int
    label: str
    category: str
    misfits: tuple[int, ...]  # ranks, from 0, of the top patches that do not show it


class Atlas:
    """Read and write an atlas. Use it in a `with`, which closes it; methods raise DataFileError with a sentence."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.close()

    # ------------------------------------------------------------------ reading

    @property
    def about(self) -> dict[str, Any]:
        """Return what the atlas is of."""
        return {key: json.loads(value) for key, value in self._rows("SELECT key, value FROM about")}

    def layers(self) -> list[Layer]:
        """Return the layers, in the order of the net."""
        return [Layer(*row) for row in self._rows("SELECT node, place, channels, words FROM layer ORDER BY place")]

    def finished(self, node: str) -> set[int]:
        """Return the channels of a node whose passports are written."""
        return {channel for (channel,) in self._rows("SELECT channel FROM unit WHERE node = ?", node)}

    def rows(self, node: str) -> list[Row]:
        """Return the units of a node, by number."""
        words = "SELECT node, channel, strongest, concept, category, iou FROM unit WHERE node = ? ORDER BY channel"
        return [Row(*row) for row in self._rows(words, node)]

    def unit(self, node: str, channel: int) -> Kept:
        """Return one unit; SettingError if it is not there."""
        words = "SELECT passport, cover, effective, covered FROM unit WHERE node = ? AND channel = ?"
        rows = self._rows(words, node, channel)
        if not rows:
            nodes = [layer.node for layer in self.layers()]
            why = f"channel {channel} of {node}" if node in nodes else f"{node!r}; {near(node, nodes, 'node')}"
            raise SettingError(f"{self.path} has no {why}.")
        passport, cover, effective, covered = rows[0]
        record = Passport.from_dict(json.loads(passport))
        return Kept(record, cover, effective, covered, self.patches(node, channel))

    def patches(self, node: str, channel: int) -> tuple[Stored, ...]:
        """Return the patches of a unit, the strongest first, then one of each tenth."""
        words = (
            "SELECT kind, rank, number, title, row, col, value, picture, guided FROM patch "
            "WHERE node = ? AND channel = ? ORDER BY kind DESC, rank"
        )
        return tuple(Stored(*row) for row in self._rows(words, node, channel))

    def count_top(self, node: str, channel: int) -> int:
        """Return how many of a unit's strongest patches there are."""
        words = "SELECT count(*) FROM patch WHERE node = ? AND channel = ? AND kind = 'top'"
        return int(self._rows(words, node, channel)[0][0])

    def cover(self, node: str, channel: int) -> bytes | None:
        """Return a unit's small picture, a PNG."""
        rows = self._rows("SELECT cover FROM unit WHERE node = ? AND channel = ?", node, channel)
        return rows[0][0] if rows else None

    def opinions(self) -> dict[tuple[str, int], Opinion]:
        """Return what persons said, by node and channel."""
        rows = self._rows("SELECT node, channel, label, category, misfits FROM opinion ORDER BY node, channel")
        listed = [
            Opinion(node, channel, label, kind, tuple(json.loads(ranks))) for node, channel, label, kind, ranks in rows
        ]
        return {(opinion.node, opinion.channel): opinion for opinion in listed}

    # ------------------------------------------------------------------ writing

    def add_layer(self, layer: Layer) -> None:
        """Name a layer, if it is not there yet."""
        self._write([("INSERT OR IGNORE INTO layer VALUES (?, ?, ?, ?)", layer)])

    def say(self, **facts: Any) -> None:
        """Write what the atlas is of."""
        self._write([("INSERT OR REPLACE INTO about VALUES (?, ?)", (key, json.dumps(facts[key]))) for key in facts])

    def add(self, unit: Kept) -> None:
        """Write a unit, whole or not at all."""
        passport = unit.passport
        key, concept = (passport.node, passport.channel), passport.concept
        label = ("", "", None) if concept is None else (concept.concept if concept.detects else "", *concept[1:3])
        row = (
            *key,
            json.dumps(passport.as_dict()),
            *label,
            passport.strongest,
            unit.cover,
            unit.effective,
            unit.covered,
        )
        patches = [("INSERT OR REPLACE INTO patch VALUES (?,?,?,?,?,?,?,?,?,?,?)", (*key, *p)) for p in unit.patches]
        clear = ("DELETE FROM patch WHERE node = ? AND channel = ?", key)
        self._write([clear, ("INSERT OR REPLACE INTO unit VALUES (?,?,?,?,?,?,?,?,?,?)", row), *patches])

    def set_opinions(self, opinions: Sequence[Opinion]) -> None:
        """Write what a person says of units, all or none; an opinion without a word takes the old one away."""
        statements: list[tuple[str, Sequence[Any]]] = []
        for each in opinions:
            statements.append(("DELETE FROM opinion WHERE node = ? AND channel = ?", each[:2]))
            if each.label or each.category or each.misfits:
                row = (*each[:4], json.dumps(each.misfits))
                statements.append(("INSERT INTO opinion VALUES (?, ?, ?, ?, ?)", row))
        self._write(statements)

    # ------------------------------------------------------------------ inside

    def _rows(self, words: str, *values: Any) -> list[Any]:
        with in_sentences(self.path):
            return self.connection.execute(words, values).fetchall()

    def _write(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> None:
        """Run statements as one transaction."""
        with in_sentences(self.path), self.connection:
            self.connection.execute("BEGIN IMMEDIATE")
            for words, values in statements:
                self.connection.execute(words, values)


@contextlib.contextmanager
def in_sentences(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into sentences that say what to do."""
    import sqlite3

    try:
        yield
    except sqlite3.DatabaseError as error:
        words = str(error)
        if "locked" in words or "busy" in words:
            why = "another program is writing it; wait for that to end"
        elif isinstance(error, sqlite3.OperationalError) and "no such" not in words:
            why = f"it cannot be read or written ({words}); free the disk, or allow writing in its folder"
        else:
            why = f"it is damaged or no atlas ({words}); move it away, and the same command makes a new one"
        raise DataFileError(f"{path}: {why}.") from error
    except (json.JSONDecodeError, TypeError, KeyError) as error:
        raise DataFileError(
            f"{path} is damaged ({error}); move it away, and the same command makes a new one."
        ) from error


def open_atlas(path: str | Path) -> Atlas:
    """Open an atlas to read: its file, or the folder that it is in. Raises DataFileError if there is none.

    A file whose writer was killed in the middle of a unit is first put right, if its folder may be written.
    """
    import sqlite3

    place = Path(path).expanduser()
    place = place / NAME if place.is_dir() else place
    if not place.is_file():
        raise DataFileError(f"There is no atlas {place}; `minitorch-viz atlas --out FOLDER` makes one.")
    with in_sentences(place):
        if place.with_name(f"{place.name}-journal").exists():
            with contextlib.suppress(sqlite3.OperationalError):  # the folder is read-only: what follows says so
                _put_right(place)
        connection = sqlite3.connect(f"{place.resolve().as_uri()}?mode=ro", uri=True, timeout=WAIT)
    return _checked(connection, place)


def open_to_write(folder: Path, facts: Mapping[str, Any]) -> Atlas:
    """Open the atlas of a folder to go on with it, or make it.

    facts: what it is of, as JSON can hold it: net, net_hash, pictures, pictures_hash, settings, ...
    Raises DataFileError if the file is damaged or cannot be written, SettingError if it is of another net, of other
    pictures or settings.
    """
    import sqlite3

    place = folder / NAME
    with in_sentences(place):
        connection = sqlite3.connect(place, timeout=WAIT, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA journal_mode = DELETE")
            if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                _make(connection)
        except BaseException:
            connection.close()
            raise
    atlas = _checked(connection, place)
    try:
        with in_sentences(place):
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if answer != "ok":
            raise DataFileError(f"{place} is damaged ({answer}); move it away, and the same command makes a new one.")
        old = atlas.about
        if not old:
            atlas.say(**facts)
        else:
            _need_same(place, old, facts)
    except BaseException:
        connection.close()
        raise
    return atlas


def _make(connection: sqlite3.Connection) -> None:
    """Make the tables, all or none."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in filter(str.strip, SCHEMA.split(";")):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _put_right(place: Path) -> None:
    """Take back what a writer that was killed had begun: SQLite does it when the file is read with the right to."""
    import sqlite3

    with contextlib.closing(sqlite3.connect(place, timeout=WAIT)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _checked(connection: sqlite3.Connection, place: Path) -> Atlas:
    """Return an atlas, if the file is one of a version that can be read."""
    try:
        with in_sentences(place):
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if application != APPLICATION or not names.issuperset(TABLES):
            raise DataFileError(f"{place} is an SQLite file, but no atlas; give another folder.")
        if version != VERSION:
            raise DataFileError(
                f"{place} is an atlas of version {version}; {VERSION} can be read. Use the version of the package that "
                "made it, or make it anew in another folder."
            )
    except BaseException:
        connection.close()
        raise
    return Atlas(connection, place)


def _need_same(place: Path, old: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Raise SettingError if an atlas is of another net, or of other pictures or settings."""
    if old.get("net_hash") != facts["net_hash"]:
        difference = f"another net ({old.get('net')})"
    elif old.get("pictures_hash") != facts["pictures_hash"]:
        difference = f"other pictures ({old.get('count')} of {old.get('pictures')})"
    else:
        before, now = old.get("settings") or {}, facts["settings"]
        names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        if not names:
            return
        difference = ", ".join(f"{name}={before.get(name)!r}, not {now.get(name)!r}" for name in names)
        difference = f"other settings ({difference})"
    raise SettingError(f"{place} is an atlas of {difference}; give the same ones, or another folder.")
