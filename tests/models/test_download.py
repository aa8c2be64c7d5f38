"""download against a server on this machine: whole, in pieces, wrong, cut off, and absent."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from minitorch_viz.errors import SettingError, WeightsFileError
from minitorch_viz.models import get_spec, load_model, specs
from minitorch_viz.models import spec as spec_module
from minitorch_viz.models.download import download

CONTENT = np.random.default_rng(0).bytes(300_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
NAME = f"alexnet-owt-{DIGEST[:8]}.pth"


class Server(ThreadingHTTPServer):
    """Serves CONTENT; `mode` says what goes wrong, `seen` lists the Range headers that came."""

    daemon_threads = True
    block_on_close = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.mode = "fine"
        self.seen: list[str | None] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/models/{NAME}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        mode, wanted = self.server.mode, self.headers.get("Range")
        self.server.seen.append(wanted)
        content = CONTENT if mode != "wrong" else CONTENT[::-1]
        start = 0
        if mode in ("404", "500"):
            self.send_error(int(mode))
            return
        if mode == "redirect to ftp":
            self.send_response(302)
            self.send_header("Location", "ftp://127.0.0.1/file.pth")
            self.end_headers()
            return
        if mode == "redirect" and "again" not in self.path:
            self.send_response(302)
            self.send_header("Location", "/again/" + NAME)
            self.end_headers()
            return
        if wanted and mode != "no ranges":
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            shift = 7 if mode == "wrong range" else 0
            self.send_header("Content-Range", f"bytes {start + shift}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        if mode != "no length":
            self.send_header("Content-Length", str(10**13 if mode == "huge" else len(content) - start))
        self.send_header("Content-Type", "text/html" if mode == "web page" else "application/octet-stream")
        self.end_headers()
        body = content[start:]
        if mode == "drops":
            body = body[:100_000]
        if mode == "dead" or (mode == "drops once" and len(self.server.seen) == 1):
            body = body[: 0 if mode == "dead" else 50_000]
        with contextlib.suppress(OSError):  # the client may have gone
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "new" / "home"
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def official(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """AlexNet's official file is the one on our server."""
    changed = dataclasses.replace(get_spec("alexnet"), url=server.address, digest=f"sha256:{DIGEST[:8]}")
    monkeypatch.setattr(spec_module, "specs", lambda: specs() | {"alexnet": changed})


def part(home: Path) -> Path:
    return home / f"{NAME}.part"


def begin(home: Path, content: bytes) -> None:
    home.mkdir(parents=True)
    part(home).write_bytes(content)


def test_the_official_file(server: Server, home: Path) -> None:
    path = download("alexnet", progress=False)
    assert path == home / NAME
    assert path.read_bytes() == CONTENT
    assert [file.name for file in home.iterdir()] == [NAME]
    assert server.seen == [None]


def test_what_is_there_is_not_fetched_again_but_a_damaged_file_is(server: Server) -> None:
    path = download("alexnet")
    assert download("alexnet") == path
    assert len(server.seen) == 1
    path.write_bytes(CONTENT[:-1] + b"x")
    assert download("alexnet").read_bytes() == CONTENT
    assert len(server.seen) == 2


def test_a_home_of_ones_own(tmp_path: Path) -> None:
    assert download("alexnet", home=tmp_path / "here") == tmp_path / "here" / NAME


def test_an_interrupted_download_goes_on(server: Server, home: Path) -> None:
    begin(home, CONTENT[:120_000])
    assert download("alexnet").read_bytes() == CONTENT
    assert server.seen == ["bytes=120000-"]


@pytest.mark.parametrize("mode", ["drops", "drops once"])
def test_a_connection_that_breaks_off_is_taken_up_again(server: Server, mode: str) -> None:
    server.mode = mode
    assert download("alexnet").read_bytes() == CONTENT
    expected = [None, "bytes=100000-", "bytes=200000-"] if mode == "drops" else [None, "bytes=50000-"]
    assert server.seen == expected


def test_a_server_without_ranges_starts_over(server: Server, home: Path) -> None:
    begin(home, b"x" * 120_000)
    server.mode = "no ranges"
    assert download("alexnet").read_bytes() == CONTENT


def test_a_server_that_does_not_say_how_long(server: Server) -> None:
    server.mode = "no length"
    assert download("alexnet").read_bytes() == CONTENT


def test_a_redirect(server: Server) -> None:
    server.mode = "redirect"
    assert download("alexnet").read_bytes() == CONTENT


def test_a_piece_that_is_already_the_whole(server: Server, home: Path) -> None:
    begin(home, CONTENT)
    assert download("alexnet").read_bytes() == CONTENT
    assert server.seen == ["bytes=300000-"]


@pytest.mark.parametrize("piece", [b"of another file" * 9000, b"longer" * 100_000])
def test_a_piece_of_another_file_is_given_up(server: Server, home: Path, piece: bytes) -> None:
    begin(home, piece)
    assert download("alexnet").read_bytes() == CONTENT
    assert server.seen[-1] is None


def test_a_wrong_sum(server: Server, home: Path) -> None:
    server.mode = "wrong"
    with pytest.raises(WeightsFileError, match=rf"has the SHA256 sum .*should begin with {DIGEST[:8]}; it was removed"):
        download("alexnet")
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("404", "answered 404 Not Found"),
        ("500", "answered 500"),
        ("web page", "answered with a web page"),
        ("dead", "cannot be fetched: the connection broke off"),
        ("huge", "sends more than 4,294,967,296 bytes"),
        ("redirect to ftp", "ftp|redirect|302"),
    ],
)
def test_servers_that_give_no_file(server: Server, home: Path, mode: str, message: str) -> None:
    server.mode = mode
    with pytest.raises(WeightsFileError, match=message):
        download("alexnet")
    assert not (home / NAME).exists()


def test_a_wrong_range_is_not_glued_on(server: Server, home: Path) -> None:
    begin(home, CONTENT[:100])
    server.mode = "wrong range"
    with pytest.raises(WeightsFileError, match="unusable range"):
        download("alexnet")
    assert part(home).read_bytes() == CONTENT[:100]


def test_offline_says_which_file_to_put_where(home: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/{NAME}"  # nobody listens there
    with pytest.raises(WeightsFileError) as caught:
        download("alexnet", address)
    assert f"put it there as {home / NAME}" in str(caught.value)


# ------------------------------------------------------------------ other sources


def test_another_address_gets_a_name_that_load_model_finds(server: Server, home: Path) -> None:
    url = server.address.replace(NAME, "my%20own.pth?version=2")
    begin(home, b"")
    (home / "alexnet.pth.part").write_bytes(b"old piece")  # without a sum nothing tells that it fits: start over
    assert download("alexnet", url) == home / "alexnet.pth"
    assert (home / "alexnet.pth").read_bytes() == CONTENT
    assert server.seen == [None]


@pytest.mark.parametrize(
    "source",
    [
        "ftp://127.0.0.1/a.pth",
        "file:///etc/a.pth",
        "http:///a.pth",
        "data:a.pth",
        "http://127.0.0.1/",
        "http://[/a.pth",
    ],
)
def test_addresses_that_are_not_fetched(source: str, home: Path) -> None:
    with pytest.raises((SettingError, WeightsFileError)):
        download("alexnet", source)
    assert not home.exists() or not list(home.iterdir())


def test_a_local_file_with_what_lies_beside(tmp_path: Path, home: Path) -> None:
    source = tmp_path / "usb stick"
    source.mkdir()
    save_file(dict(get_spec("tinyvgg").build(seed=4).state), source / "w.safetensors")
    (source / "w.json").write_text('{"input": {"size": [3, 64, 64], "mean_rgb": 7}}')
    (source / "imagenet_classes.json").write_text("[]")
    assert download("tinyvgg", source / "w.safetensors") == home / "tinyvgg.safetensors"
    assert {file.name for file in home.iterdir()} == {"tinyvgg.safetensors", "tinyvgg.json", "imagenet_classes.json"}
    model = load_model("tinyvgg")
    assert model.source == str(home / "tinyvgg.safetensors")
    assert model.preprocessing.mean == (7, 7, 7)
    assert download("tinyvgg", home / "tinyvgg.safetensors") == home / "tinyvgg.safetensors"  # onto itself


def test_a_local_file_with_a_wrong_sum_is_not_taken(tmp_path: Path, home: Path) -> None:
    (tmp_path / NAME).write_bytes(b"something else")
    with pytest.raises(WeightsFileError, match="it was not taken"):
        download("alexnet", tmp_path / NAME)
    assert not home.exists()


@pytest.mark.parametrize(("source", "message"), [("nothing here.pth", "no weights file"), ("w.exe", "ends in")])
def test_local_files_that_will_not_do(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "w.exe").write_bytes(b"x")
    with pytest.raises((WeightsFileError, SettingError), match=message):
        download("alexnet", tmp_path / source)


def test_names() -> None:
    with pytest.raises(SettingError, match="near models: alexnet"):
        download("alexnett")
    with pytest.raises(WeightsFileError, match=r"tinyvgg has no official file.*Put tinyvgg\.safetensors"):
        download("tinyvgg")


def test_a_folder_that_takes_no_files(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WeightsFileError, match="cannot take the file"):
        download("alexnet", home=tmp_path / "file" / "home")
