"""Generated voices, faces and pairs with known truth, and the figures read off them (docs/accuracy.md)."""
