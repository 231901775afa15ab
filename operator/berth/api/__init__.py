"""The words: Berth's kinds, levels, conditions and reasons, and the schemas generated from them."""
