"""Training AffectGPT: one loop, exact to resume, whose every random number is a function of seed and step."""
