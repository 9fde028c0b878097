"""Map where pretraining helps: many small networks on many made-up worlds, trained together, every arm on the same
patients."""
