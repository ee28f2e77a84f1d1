"""Words of emotion: our own lexicon, and finding its entries in text."""
