"""The answers to the exercises: a module ``lessonNN`` for each lesson, with its ``QUESTIONS``."""
