"""Keep or drop: measures, rules as data, voters and the verdict. Reads `mercap`, knows nothing of storage or runs."""
