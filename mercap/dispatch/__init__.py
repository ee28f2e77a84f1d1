"""Asking model endpoints many things at once: never more than they take, nothing lost, nothing paid twice."""
