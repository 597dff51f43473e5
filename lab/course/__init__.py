"""The catalogue: lessons and exercises as data. Executes nothing of them and knows behavior ids as plain text."""

from lab.course.catalog import Course, load_course
from lab.course.exercise import Check, Exercise, Principal
from lab.course.feedback import Choice, Diagnosis, Hint, Question
from lab.course.lesson import Lesson, Page
from lab.course.placeholders import render, render_observed

__all__ = [
    "Check",
    "Choice",
    "Course",
    "Diagnosis",
    "Exercise",
    "Hint",
    "Lesson",
    "Page",
    "Principal",
    "Question",
    "load_course",
    "render",
    "render_observed",
]
