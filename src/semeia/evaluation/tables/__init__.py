"""The further tables of an evaluation: one function of `Judged` a table, named in evaluation/views.py."""
