"""How far to believe a heat map: methods graded where the truth is known, and on nets that have forgotten it."""

from minitorch_viz.grading.cases import Case
from minitorch_viz.grading.grades import Grades
from minitorch_viz.grading.harness import grade
from minitorch_viz.grading.photos import grade_photos

__all__ = ["Case", "Grades", "grade", "grade_photos"]
