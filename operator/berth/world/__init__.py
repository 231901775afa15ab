"""The world as last seen: projected records, the parsers of foreign objects, and the one store."""
