"""The README is what runs: its Python, its commands, its tables and its links. To renew the tables:

python tests/test_readme.py
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from minitorch_viz.cli import main, parser
from minitorch_viz.techniques import techniques

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BUNDLED = ROOT / "minitorch_viz" / "models" / "bundled"
MARKED = re.compile(r"(<!-- (techniques|nets): [^\n]* -->\n).*?(<!-- end -->)", re.DOTALL)


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def techniques_table() -> str:
    rows = ["| command | what it shows | paper |", "| --- | --- | --- |"]
    rows += [f"| `{name}` | {technique.summary} | {technique.paper} |" for name, technique in techniques().items()]
    return "\n".join(rows) + "\n"


def nets_table() -> str:
    """What the cards beside the bundled weights say."""
    rows = ["| net | data | test accuracy | file | made by |", "| --- | --- | --- | --- | --- |"]
    for path in sorted(BUNDLED.glob("*.json")):
        card = json.loads(path.read_text(encoding="utf-8"))["card"]
        size = path.with_suffix(".safetensors").stat().st_size
        command = f"`{card['command'].split(' --')[0]}`"
        right = f"{card['test_accuracy']:.1%}"
        rows.append(f"| `{card['name']}` | {card['data']} | {right} | {size / 1000:.0f} kB | {command} |")
    return "\n".join(rows) + "\n"


TABLES = {"techniques": techniques_table, "nets": nets_table}


def renewed(text: str) -> str:
    return MARKED.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", text)


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


def test_the_tables_are_the_registrys_and_the_cards() -> None:
    text = README.read_text(encoding="utf-8")
    assert sorted(found[2] for found in MARKED.finditer(text)) == sorted(TABLES)
    assert text == renewed(text), "renew it with: python tests/test_readme.py"


def test_the_links_lead_to_files() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_what_ci_reads_from_it_is_there() -> None:
    shell = "".join(blocks("sh"))
    assert re.search(r"^pip install .*\[test,bench\]", shell, re.MULTILINE)
    assert re.search(r"^python -m pytest$", shell, re.MULTILINE)


if __name__ == "__main__":
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
