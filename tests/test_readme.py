"""The README is what runs: its Python, its commands, its table and its links. `--write` in a shell renews the table:

python tests/test_readme.py
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from minitorch_viz.cli import main, parser
from minitorch_viz.techniques import techniques

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
TABLE = re.compile(r"(<!-- techniques: .* -->\n).*?(<!-- end -->)", re.DOTALL)


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def table() -> str:
    rows = ["| command | what it shows | paper |", "| --- | --- | --- |"]
    rows += [f"| `{name}` | {technique.summary} | {technique.paper} |" for name, technique in techniques().items()]
    return "\n".join(rows) + "\n"


def test_the_python_blocks_run_and_show_the_proof(capsys) -> None:
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
    printed = capsys.readouterr().out
    assert "(1, 1, 8, 8)" in printed
    assert "conv.weight" in printed
    assert "wrong" not in printed


def test_the_report_command_runs(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("minitorch-viz ")]
    assert commands
    for command in commands:
        assert main(shlex.split(command)[1:]) == 0
    assert (tmp_path / "report.html").stat().st_size > 50_000


def test_the_other_commands_parse() -> None:
    for block in blocks("text"):
        for line in block.splitlines():
            parser().parse_args(shlex.split(line, comments=True)[1:])


def test_the_table_is_the_registrys() -> None:
    found = TABLE.search(README.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0] == f"{found[1]}{table()}{found[2]}", "renew it with: python tests/test_readme.py"


def test_the_links_lead_to_files() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_what_ci_reads_from_it_is_there() -> None:
    shell = "".join(blocks("sh"))
    assert re.search(r"^pip install .*\[test,bench\]", shell, re.MULTILINE)
    assert re.search(r"^python -m pytest$", shell, re.MULTILINE)


if __name__ == "__main__":
    README.write_text(
        TABLE.sub(lambda found: f"{found[1]}{table()}{found[2]}", README.read_text(encoding="utf-8")), encoding="utf-8"
    )
