"""Semeia: pretrain on a hospital's unlabelled archive, fine-tune on its few labels, say honestly whether it helped."""

__version__ = "0.1.0"
