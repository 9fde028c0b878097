"""Give one stored model behind HTTP: predictions with an explanation, embeddings, health and counts."""
