"""download_data against a server on this machine: whole, resumed, wrong, absent; and from a folder."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from minitorch_viz.cli import main
from minitorch_viz.data import download, download_data, load_cifar10, load_mnist
from minitorch_viz.data.mnist import FILES
from minitorch_viz.errors import DataFileError, MinitorchVizError, SettingError
from tests.data.small_files import jpeg_members, mnist, tar


class Server(ThreadingHTTPServer):
    """Serves `files`, with ranges; `mode` says what goes wrong, `seen` lists (name, Range header)."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.mode = files, "fine"
        self.seen: list[tuple[str, str | None]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/data/"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name, wanted = self.path.rsplit("/", 1)[1], self.headers.get("Range")
        self.server.seen.append((name, wanted))
        content, mode = self.server.files.get(name), self.server.mode
        if content is None or mode == "404":
            self.send_error(404)
            return
        content = content[::-1] if mode == "wrong" else content
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("Content-Type", "text/html" if mode == "web page" else "application/gzip")
        self.end_headers()
        self.wfile.write(content[start : start + 100] if mode == "drops" else content[start:])

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Small files of MNIST are the official ones, and this server has them."""
    files = {file.name: file.read_bytes() for file in mnist(tmp_path / "served").iterdir()}
    with Server(files) as made:
        sums = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
        changed = dataclasses.replace(download.SOURCES["mnist"], address=made.address, sums=sums)
        monkeypatch.setitem(download.SOURCES, "mnist", changed)
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def test_the_official_files_and_then_offline(server: Server, home: Path) -> None:
    folder = download_data("mnist", progress=False)
    assert folder == home / "data" / "mnist"
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == server.files
    assert len(load_mnist()[0]) == 6
    server.mode = "404"
    assert download_data("mnist") == folder  # all are there: nothing is asked for
    assert len(server.seen) == 4


def test_only_what_is_missing_or_damaged_is_fetched(server: Server) -> None:
    folder = download_data("mnist", progress=False)
    first, second = sorted(server.files)[:2]
    (folder / first).unlink()
    (folder / second).write_bytes(b"damaged")
    server.seen.clear()
    download_data("mnist", progress=False)
    assert server.seen == [(first, None), (second, None)]


def test_an_interrupted_download_goes_on(server: Server, home: Path) -> None:
    first = min(server.files)
    folder = home / "data" / "mnist"
    folder.mkdir(parents=True)
    (folder / f"{first}.part").write_bytes(server.files[first][:50])
    download_data("mnist", progress=False)
    assert server.seen[0] == (first, "bytes=50-")
    assert (folder / first).read_bytes() == server.files[first]
    assert not list(folder.glob("*.part"))


def test_a_connection_that_drops_again_and_again(server: Server, home: Path) -> None:
    server.mode = "drops"
    download_data("mnist", progress=False)
    assert {file.name: file.read_bytes() for file in (home / "data" / "mnist").iterdir()} == server.files
    assert len(server.seen) > 8


@pytest.mark.parametrize(("mode", "message"), [("404", "404"), ("wrong", "SHA256"), ("web page", "a web page")])
def test_what_cannot_be_had(server: Server, home: Path, mode: str, message: str) -> None:
    server.mode = mode
    with pytest.raises(DataFileError, match=message):
        download_data("mnist", progress=False)
    assert not list((home / "data" / "mnist").glob("*.gz"))


def test_without_a_network_the_sentence_says_what_to_put_where(home: Path) -> None:
    with pytest.raises(DataFileError) as caught:
        download_data("mnist", "http://127.0.0.1:9/", progress=False)
    first = next(iter(download.SOURCES["mnist"].sums))
    assert f"put it there as {home / 'data' / 'mnist' / first}" in str(caught.value)


def test_another_address(server: Server, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = server.address
    monkeypatch.setitem(
        download.SOURCES, "mnist", dataclasses.replace(download.SOURCES["mnist"], address="http://127.0.0.1:9/")
    )
    assert len(load_mnist(download_data("mnist", address.rstrip("/"), home / "other", progress=False))[0]) == 6
    assert (home / "other" / "data" / "mnist").is_dir()


def test_from_a_folder(tmp_path: Path, home: Path) -> None:
    stick = mnist(tmp_path / "usb stick")
    assert download_data("mnist", stick) == home / "data" / "mnist"
    assert len(load_mnist()[1]) == 4
    assert download_data("mnist", home / "data" / "mnist") == home / "data" / "mnist"  # onto itself
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "cifar10_jpeg.tar.xz").write_bytes(tar(jpeg_members()))
    download_data("cifar10", tmp_path / "c")
    assert len(load_cifar10()[0]) == 5


def test_damaged_files_in_a_folder_are_not_taken(tmp_path: Path, home: Path) -> None:
    stick = mnist(tmp_path / "usb stick")
    (stick / "t10k-labels-idx1-ubyte.gz").write_bytes(b"damaged")
    with pytest.raises(DataFileError, match="t10k-labels"):
        download_data("mnist", stick)
    assert not home.exists()


@pytest.mark.usefixtures("server")
def test_the_commands(home: Path, capsys, tmp_path: Path) -> None:
    assert main(["download", "mnist"]) == 0
    assert capsys.readouterr().out == f"Wrote {home / 'data' / 'mnist'}\n"
    assert main(["download", "mnist", "--from", str(tmp_path / "nowhere")]) == 2
    assert "nowhere is neither an http or https address nor a folder" in capsys.readouterr().err


def test_the_official_sums() -> None:
    """As published; a sum changed by accident would refuse the right file."""
    known = download.SOURCES
    assert {len(value) for source in known.values() for value in source.sums.values()} == {64}
    assert list(known["mnist"].sums) == list(FILES)
    assert known["cifar10"].sums["cifar-10-binary.tar.gz"].startswith("c4a38c50a1bc5f3a1c5537f2155ab9d6")
    assert all(source.address.startswith("https://") and source.address.endswith("/") for source in known.values())


BAD = {
    "unknown": (("cifar-10",), SettingError, "near data sets: cifar10"),
    "no name": (("",), SettingError, "known data sets: mnist, cifar10"),
    "ftp": (("mnist", "ftp://127.0.0.1/"), DataFileError, "neither an http"),
    "file address": (("mnist", "file:///tmp"), DataFileError, "neither"),
    "nowhere": (("mnist", "nowhere"), DataFileError, "nowhere is neither"),
    "a file": (("mnist", __file__), DataFileError, "neither"),
    "an empty folder": (("mnist", "."), DataFileError, "There is no mnist"),
    "an empty folder for cifar10": (("cifar10", "."), DataFileError, "There is no cifar10"),
    "no host": (("mnist", "http:///x"), DataFileError, "cannot be fetched"),
}


@pytest.mark.parametrize(("given", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(given, kind, message, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MinitorchVizError, match=message) as caught:
        download_data(*given)
    assert isinstance(caught.value, kind)


def test_a_folder_that_takes_no_files(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataFileError, match="cannot take the files"):
        download_data("mnist", mnist(tmp_path / "stick"), home=tmp_path / "file")
