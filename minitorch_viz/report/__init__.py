"""The report: one self-contained HTML page with every technique that applies, each with its caption.

`make_report` shows what one net sees in some pictures, `make_page` any nets in any pictures, a section each.

`plan` says which pictures there will be, `run` makes them, `page` writes the page, `command` the line below each
picture that makes it again. The page needs no network and no server: pictures are inside it. It is made from the
registry of techniques, so a new technique appears in it by itself, in the chapter that it names.
"""

from minitorch_viz.report.checks import SUFFIXES, check_asked
from minitorch_viz.report.make import make_page, make_report

__all__ = ["SUFFIXES", "check_asked", "make_page", "make_report"]
